// Tells an editor all of a session that it opens again (`session/load`).
import { defined } from "../base/defined.js";
import type { Message } from "../protocol/objects/message.js";
import type { RunComplete } from "../protocol/objects/run.js";
import { pendingCompletions } from "../protocol/pendingCompletions.js";
import type { AcpSession } from "./acpSession.js";
import { commandsUpdate } from "./commands.js";

/**
 * Tells a session's messages, what is known of it, and how the turns ended whose completions nobody has
 * received. Resolves with the ids of those, which the answer tells.
 */
export async function replay(session: AcpSession): Promise<string[]> {
  const { connection, workspaceId } = session.standing;
  const asked = { workspaceId, sessionId: session.id };
  const feed = session.beginReplay();
  // Asked for first: the messages of a turn that has ended are all there then.
  const completions: RunComplete[] = [];
  const waiting = pendingCompletions(
    (params) => connection.request("listPendingCompletions", params),
    asked,
  );
  for await (const completion of waiting) completions.push(completion);
  for await (const message of messagesOf(session)) await feed.replay(message);
  const facts = await connection.request("getSession", asked);
  session.turns.replayed(feed, facts.isBusy);
  await session.facts.session(facts, true);
  if (facts.todos !== undefined) await session.facts.todos(facts.todos, true);
  await session.send(await commandsUpdate(session));
  await session.turns.otherEnds.tellReplayed(completions);
  return completions.map(({ completionId }) => completionId);
}

async function* messagesOf(session: AcpSession): AsyncGenerator<Message> {
  const { connection, workspaceId } = session.standing;
  let cursor: string | undefined;
  do {
    const page = await connection.request("listMessages", {
      workspaceId,
      sessionId: session.id,
      limit: 100,
      ...defined({ cursor }),
    });
    yield* page.messages;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
