/** Prepares the workspace of a folder and a session in it for `turnwire run`. */
import { createHash } from "node:crypto";
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import { randomIds } from "../base/ids.js";
import type { ResolvePath } from "../base/startFolder.js";
import type { TurnwireClient } from "../client/TurnwireClient.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import { askedOfRun } from "./askedOfRun.js";
import { type OwnServer, withOwnServer } from "./ownServer.js";
import type { RunCommandOptions } from "./runOptions.js";
import { BadPrompt } from "./runPrompt.js";
import { eachSession, openFolder } from "./sessionLookup.js";

/** The session of a run before its server is started: completions are owed to its name. */
export interface ChosenSession {
  readonly sessionId: string;
  readonly isNew: boolean;
}

/** The workspace and session for a prompt. */
export interface RunTarget {
  readonly workspaceId: string;
  readonly sessionId: string;
  /** What is asked of the run; nothing unless a flag asks for it. */
  readonly options?: RunOptions;
}

/**
 * The session that the options name: a new one, a given one, the folder's latest, or a copy of one of
 * these, which is made here. Only the last two need a server.
 *
 * @throws BadPrompt for `--fork` without a session.
 */
export async function chooseSession(
  { session, continueLatest, fork, cwd = ".", dataDir }: RunCommandOptions,
  resolvePath: ResolvePath,
  server: OwnServer,
): Promise<ChosenSession> {
  if (session === undefined && !continueLatest) {
    if (fork) throw new BadPrompt("--fork needs --session or --continue");
    return { sessionId: randomIds.next("ses"), isNew: true };
  }
  if (session !== undefined && !fork) return { sessionId: session, isNew: false };
  return withOwnServer(server, dataDir, async (client) => {
    const workspaceId = await openFolder(client, resolvePath(cwd));
    const sessionId = session ?? (await latestSession(client, workspaceId));
    if (!fork) return { sessionId, isNew: false };
    const copy = await client.api.forkSession({ workspaceId, sessionId });
    return { sessionId: copy.id, isNew: false };
  });
}

/** To whom the completions of a session's runs are owed; an id can be too long for it. */
export function clientIdOf(sessionId: string): string {
  const whole = `cli:${sessionId}`;
  if (whole.length <= 200) return whole;
  return `cli:${createHash("sha256").update(sessionId).digest("hex")}`;
}

/** Opens the workspace and the session of the options; rejects with the server's refusal. */
export async function openSession(
  client: TurnwireClient,
  { sessionId, isNew, resumable }: ChosenSession & { readonly resumable?: true },
  options: RunCommandOptions,
  resolvePath: ResolvePath,
): Promise<RunTarget> {
  const { permissionMode, model, trust: trusted } = options;
  const workspace = await client.api.createWorkspace({
    path: resolvePath(options.cwd ?? "."),
    ...defined({ permissionMode, trusted, resumable }),
  });
  const workspaceId = workspace.id;
  const { modelConfig } = await client.api.initAgent({ workspaceId });
  const asked = await askedOfRun(options, model ?? modelConfig, resolvePath);
  if (model !== undefined) await client.api.setModel({ workspaceId, modelType: "large", model });
  await client.api[isNew ? "createSession" : "getSession"]({ workspaceId, sessionId });
  return { workspaceId, sessionId, ...defined({ options: asked }) };
}

/** The newest session that is not a sub-task of another. */
async function latestSession(client: TurnwireClient, workspaceId: string): Promise<string> {
  for await (const session of eachSession(client, workspaceId)) {
    if (session.parentSessionId === undefined) return session.id;
  }
  throw new DomainError(
    "SessionNotFound",
    "this folder has no session to go on with; leave --continue out",
  );
}
