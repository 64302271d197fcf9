// One session of one workspace on a server, with the calls that tests make most.

import { defined } from "../../src/base/defined.js";
import type { ParamsInput, Result, RunComplete } from "../../src/protocol/index.js";
import { makeFolder, type ServerProcess } from "./serverProcess.js";

/** How a session is opened. */
export interface SessionOptions {
  /** A new folder unless told. */
  readonly path?: string;
  /** `allow` unless told. */
  readonly permissionMode?: "ask" | "allow" | "deny";
  /** One unless told, so that no model is asked for a title. */
  readonly title?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Not unless told. */
  readonly trusted?: boolean;
}

export class WireSession {
  constructor(
    readonly server: ServerProcess,
    readonly workspaceId: string,
    readonly sessionId: string,
    readonly path: string,
  ) {}

  /** The params that name the session. */
  get ids(): { workspaceId: string; sessionId: string } {
    return { workspaceId: this.workspaceId, sessionId: this.sessionId };
  }

  /** The text of a `sendMessage`. */
  prompt(prompt: string, runId?: string): string {
    return this.server.request("sendMessage", this.params(prompt, runId));
  }

  params(prompt: string, runId?: string): ParamsInput<"sendMessage"> {
    return { ...this.ids, prompt, ...defined({ runId }) };
  }

  send(prompt: string, runId?: string): Promise<Result<"sendMessage">> {
    return this.server.call("sendMessage", this.params(prompt, runId));
  }

  /** Sends a prompt and waits for its completion. */
  async run(prompt: string, runId: string): Promise<RunComplete> {
    await this.send(prompt, runId);
    return this.server.completion(runId);
  }

  cancel(): Promise<Result<"cancelSession">> {
    return this.server.call("cancelSession", this.ids);
  }

  async messages(): Promise<Result<"listMessages">["messages"]> {
    return (await this.server.call("listMessages", this.ids)).messages;
  }

  /** Another session of the same workspace. */
  async another(): Promise<WireSession> {
    const { workspaceId, path, server } = this;
    const { id } = await server.call("createSession", { workspaceId, title: "another" });
    return new WireSession(server, workspaceId, id, path);
  }
}

/** Opens a workspace with its agent ready, and a session in it. */
export async function openSession(
  server: ServerProcess,
  options: SessionOptions = {},
): Promise<WireSession> {
  const {
    path = makeFolder(),
    permissionMode = "allow",
    title = "a session",
    env,
    trusted,
  } = options;
  const workspace = await server.call("createWorkspace", {
    path,
    permissionMode,
    initAgent: true,
    ...defined({ env, trusted }),
  });
  const session = await server.call("createSession", { workspaceId: workspace.id, title });
  return new WireSession(server, workspace.id, session.id, path);
}
