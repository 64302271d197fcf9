/** Finds sessions of any folder, for commands that know only an id. */
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import type { TurnwireClient } from "../client/TurnwireClient.js";
import type { Message } from "../protocol/objects/message.js";
import type { Session } from "../protocol/objects/session.js";

/** A session, its open workspace, and its messages from the oldest on. */
export interface StoredSession {
  readonly session: Session;
  readonly workspaceId: string;
  messages(): AsyncGenerator<Message>;
}

const pageSize = 1000;
/** Messages can be long, and all messages of one answer share its size limit. */
const messagePage = 50;

/** Opens a folder; rejects with the server's refusal. */
export async function openFolder(client: TurnwireClient, path: string): Promise<string> {
  return (await client.api.createWorkspace({ path })).id;
}

/** The sessions of an open workspace, or of every folder, the newest first. */
export async function* eachSession(
  client: TurnwireClient,
  workspaceId: string | undefined,
): AsyncGenerator<Session> {
  let cursor: string | undefined;
  do {
    const page = await client.api.listSessions({
      limit: pageSize,
      ...defined({ workspaceId, cursor }),
    });
    yield* page.sessions;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/**
 * Finds a session by its id, and opens its folder.
 *
 * @throws DomainError `SessionNotFound` if there is none; the server's refusal if its folder cannot be opened.
 */
export async function storedSession(client: TurnwireClient, id: string): Promise<StoredSession> {
  for await (const session of eachSession(client, undefined)) {
    if (session.id !== id) continue;
    const workspaceId = await openFolder(client, session.workspacePath ?? "");
    return { session, workspaceId, messages: () => messagesOf(client, workspaceId, id) };
  }
  const told = `there is no session ${JSON.stringify(id)}; see turnwire sessions --all`;
  throw new DomainError("SessionNotFound", told);
}

async function* messagesOf(
  client: TurnwireClient,
  workspaceId: string,
  sessionId: string,
): AsyncGenerator<Message> {
  let cursor: string | undefined;
  do {
    const page = await client.api.listMessages({
      workspaceId,
      sessionId,
      limit: messagePage,
      ...defined({ cursor }),
    });
    yield* page.messages;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
