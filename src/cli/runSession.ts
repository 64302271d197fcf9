/** Prepares the workspace of a folder and a session in it for `turnwire run`. */

import { defined } from "../base/defined.js";
import type { ResolvePath } from "../base/startFolder.js";
import type { TurnwireClient } from "../client/TurnwireClient.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import { askedOfRun } from "./askedOfRun.js";
import type { RunCommandOptions } from "./runOptions.js";

/** The workspace and session for a prompt. */
export interface RunTarget {
  readonly workspaceId: string;
  readonly sessionId: string;
  /** What is asked of the run; nothing unless a flag asks for it. */
  readonly options?: RunOptions;
}

/** Opens the workspace and the session of the options; rejects with the server's refusal. */
export async function openSession(
  client: TurnwireClient,
  options: RunCommandOptions,
  resolvePath: ResolvePath,
): Promise<RunTarget> {
  const { permissionMode, model } = options;
  const workspace = await client.api.createWorkspace({
    path: resolvePath(options.cwd ?? "."),
    ...defined({ permissionMode }),
  });
  const workspaceId = workspace.id;
  const { modelConfig } = await client.api.initAgent({ workspaceId });
  const asked = await askedOfRun(options, model ?? modelConfig, resolvePath);
  if (model !== undefined) await client.api.setModel({ workspaceId, modelType: "large", model });
  const sessionId = await findSession(client, workspaceId, options);
  return { workspaceId, sessionId, ...defined({ options: asked }) };
}

async function findSession(
  client: TurnwireClient,
  workspaceId: string,
  { session, continueLatest }: RunCommandOptions,
): Promise<string> {
  if (session !== undefined) {
    return (await client.api.getSession({ workspaceId, sessionId: session })).id;
  }
  if (!continueLatest) return (await client.api.createSession({ workspaceId })).id;
  const latest = await latestSession(client, workspaceId);
  if (latest === undefined) {
    throw new Error("this folder has no session to go on with; leave --continue out");
  }
  return latest;
}

/** The newest session that is not a sub-task of another. */
async function latestSession(
  client: TurnwireClient,
  workspaceId: string,
): Promise<string | undefined> {
  let cursor: string | undefined;
  do {
    const { sessions, nextCursor } = await client.api.listSessions({
      workspaceId,
      ...defined({ cursor }),
    });
    const found = sessions.find((session) => session.parentSessionId === undefined);
    if (found !== undefined) return found.id;
    cursor = nextCursor;
  } while (cursor !== undefined);
  return undefined;
}
