// The sessions of one editor: made, opened again, listed, deleted (protocol.md section 14).
import { realpath } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import {
  type AgentContext,
  type ClientCapabilities,
  type McpServer,
  RequestError,
  type SessionInfo,
} from "@agentclientprotocol/sdk";
import { defined } from "../base/defined.js";
import type { Session } from "../protocol/objects/session.js";
import { AcpSession } from "./acpSession.js";
import { deleteUnopened } from "./deleteUnopened.js";
import { replay } from "./replay.js";
import { SessionChoices } from "./sessionChoices.js";
import { toolServersOf } from "./toolServers.js";
import { refused } from "./turnEnd.js";
import {
  FileHasChanged,
  type OpenConnection,
  RefusedRequest,
  type TurnwireConnection,
} from "./turnwireConnection.js";

/** What the sessions are made with. */
export interface AcpSessionsOptions {
  readonly open: OpenConnection;
  readonly newId: (prefix: string) => string;
  /** A signal that is aborted when a question has waited too long. */
  readonly patience: () => AbortSignal;
  /** Whether a turn goes on with the next server if this one is lost or ends. */
  readonly goesOn: boolean;
}

/** What an editor asks of a session that exists. */
export interface Reopening {
  readonly sessionId: string;
  readonly cwd: string;
  readonly mcpServers?: readonly McpServer[] | null | undefined;
}

/** Makes or finds the session, once its workspace is open. */
type Entering = (connection: TurnwireConnection, workspaceId: string, id: string) => Promise<void>;

/** How many pages of sessions are looked through for one answer. */
const mostPages = 200;

/** The sessions that an editor has, and has open. */
export class AcpSessions {
  readonly #options: AcpSessionsOptions;
  readonly #open = new Map<string, AcpSession>();
  #client: AgentContext | undefined;
  #capabilities: ClientCapabilities = {};
  #lobby: Promise<TurnwireConnection> | undefined;
  /** Sessions that are being opened, by their ids. */
  readonly #opening = new Map<string, Promise<AcpSession>>();

  constructor(options: AcpSessionsOptions) {
    this.#options = options;
  }

  /** The editor that the sessions belong to. */
  greet(client: AgentContext, capabilities: ClientCapabilities): void {
    this.#client = client;
    this.#capabilities = capabilities;
  }

  /** @throws RequestError -32002 where the session is not open. */
  get(sessionId: string): AcpSession {
    const session = this.#open.get(sessionId);
    if (session === undefined) throw RequestError.sessionNotFound(sessionId);
    return session;
  }

  /** The session, where it is open. */
  find(sessionId: unknown): AcpSession | undefined {
    return typeof sessionId === "string" ? this.#open.get(sessionId) : undefined;
  }

  /** Every session that is open. */
  get all(): readonly AcpSession[] {
    return [...this.#open.values()];
  }

  /** Makes a session. */
  create(cwd: string, mcpServers: readonly McpServer[]): Promise<AcpSession> {
    return this.#begin(this.#options.newId("ses"), cwd, async (connection, workspaceId, id) => {
      const servers = toolServersOf(mcpServers);
      await connection.request("createSession", {
        workspaceId,
        sessionId: id,
        mcpServers: servers,
      });
    });
  }

  /**
   * Opens a session that exists; with `isReplayed` all of it is told before this resolves, and how a
   * turn ended that nobody was told of.
   *
   * @throws RequestError -32002 where the folder has no such session.
   */
  async reopen(
    requestId: unknown,
    { sessionId, cwd, mcpServers }: Reopening,
    isReplayed: boolean,
  ): Promise<AcpSession> {
    const enter = async (connection: TurnwireConnection, workspaceId: string) => {
      await connection.request("getSession", { workspaceId, sessionId });
      const servers = toolServersOf(mcpServers ?? []);
      await connection.request("createSession", { workspaceId, sessionId, mcpServers: servers });
    };
    const known = this.#open.get(sessionId);
    if (known !== undefined && (await realFolder(cwd)) !== (await realFolder(known.cwd))) {
      throw RequestError.sessionNotFound(sessionId);
    }
    const session = known ?? (await this.#beginOnce(sessionId, cwd, enter));
    if (known !== undefined) await enter(known.standing.connection, known.standing.workspaceId);
    if (isReplayed) session.acknowledgements.answers(requestId, await replay(session));
    return session;
  }

  /** A page of sessions, newest first, those of `cwd` alone where it is given. */
  async list(
    cwd: string | undefined,
    cursor: string | undefined,
  ): Promise<{ sessions: SessionInfo[]; nextCursor?: string }> {
    const folder = cwd === undefined ? undefined : await realFolder(cwd);
    let pages = 0;
    for await (const { sessions, nextCursor } of this.#pages(cursor)) {
      const found = sessions.filter((one) => isShown(one, folder)).map(infoOf);
      if (nextCursor === undefined) return { sessions: found };
      if (found.length > 0 || ++pages === mostPages) return { sessions: found, nextCursor };
    }
    return { sessions: [] };
  }

  /** Deletes a session; one that is not there is as good as deleted. What runs on it is stopped. */
  async delete(sessionId: string): Promise<void> {
    const open = this.#open.get(sessionId);
    if (open !== undefined) {
      // Its folder may be gone by now: then no other connection could open the workspace.
      const { connection, workspaceId } = open.standing;
      await this.close(sessionId, () =>
        connection.request("deleteSession", { workspaceId, sessionId }),
      );
      return;
    }
    const found = await this.#listed(sessionId);
    if (found === undefined) return;
    await deleteUnopened(await this.#inLobby(), found);
  }

  /** Stops what runs on a session, and gives it up once that has been told; `last` is done before. */
  async close(sessionId: string, last: () => Promise<unknown> = async () => {}): Promise<void> {
    const session = this.get(sessionId);
    await session.cancel();
    await session.whenIdle();
    // Another request may have closed it meanwhile.
    if (this.#open.get(sessionId) !== session) return;
    this.#open.delete(sessionId);
    try {
      await last();
    } finally {
      session.leave();
    }
  }

  /** The editor is gone. */
  leave(): void {
    for (const session of this.#open.values()) session.leave();
    this.#open.clear();
    void this.#lobby?.then(
      (connection) => connection.close(),
      // Whoever asked for it was told why there is none.
      () => {},
    );
  }

  /** Requests that open a session at the same time get the same one, with one connection. */
  #beginOnce(id: string, cwd: string, enter: Entering): Promise<AcpSession> {
    let opening = this.#opening.get(id);
    if (opening === undefined) {
      opening = this.#begin(id, cwd, enter).finally(() => this.#opening.delete(id));
      this.#opening.set(id, opening);
    }
    return opening;
  }

  async #begin(id: string, cwd: string, enter: Entering): Promise<AcpSession> {
    if (!isAbsolute(cwd)) throw RequestError.invalidParams(undefined, "`cwd` must be absolute");
    const session = this.#make(id, cwd);
    const connection = this.#options.open(session);
    try {
      const { elicitation, fs } = this.#capabilities;
      await connection.request("initialize", {
        clientId: `acp:${id}`,
        capabilities: {
          requestInput: elicitation?.form != null,
          files: fs?.readTextFile === true && fs.writeTextFile === true,
        },
      });
      const workspace = await connection.request("createWorkspace", { path: cwd, initAgent: true });
      await enter(connection, workspace.id, id);
      const { models } = await connection.request("listModels", { workspaceId: workspace.id });
      const { permissionMode, agent } = workspace;
      const choices = new SessionChoices(permissionMode, models, agent.modelConfig);
      session.begin({ connection, workspaceId: workspace.id, choices });
      this.#open.set(id, session);
      return session;
    } catch (error) {
      connection.close();
      if (!(error instanceof RefusedRequest)) throw error;
      throw error.refusal === "SessionNotFound" ? RequestError.sessionNotFound(id) : refused(error);
    }
  }

  #make(id: string, cwd: string): AcpSession {
    if (this.#client === undefined) throw RequestError.invalidRequest();
    const { newId, patience, goesOn } = this.#options;
    return new AcpSession({
      id,
      cwd,
      client: this.#client,
      showsTerminals: this.#capabilities._meta?.terminal_output === true,
      newRunId: () => newId("run"),
      patience,
      goesOn,
    });
  }

  async *#pages(cursor: string | undefined) {
    const connection = await this.#inLobby();
    let next = cursor;
    do {
      const answer = await connection.request("listSessions", {
        limit: 100,
        ...defined({ cursor: next }),
      });
      yield answer;
      next = answer.nextCursor;
    } while (next !== undefined);
  }

  async #listed(sessionId: string) {
    for await (const { sessions } of this.#pages(undefined)) {
      const found = sessions.find(({ id }) => id === sessionId);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The connection for what belongs to no session that is open. */
  #inLobby(): Promise<TurnwireConnection> {
    this.#lobby ??= this.#enterLobby().catch((error: unknown) => {
      // The next request tries again.
      this.#lobby = undefined;
      throw error;
    });
    return this.#lobby;
  }

  async #enterLobby(): Promise<TurnwireConnection> {
    const connection = this.#options.open({
      notified: async () => {},
      permissionAsked: async () => ({ decision: "deny" }),
      inputAsked: async () => ({ action: "decline" }),
      fileAsked: async () => ({ missing: true }),
      fileGiven: async ({ path }) => Promise.reject(new FileHasChanged(path)),
    });
    const capabilities = { requestPermission: false };
    await connection.request("initialize", { clientId: this.#options.newId("acp"), capabilities });
    return connection;
  }
}

/** A folder as sessions have it: without symbolic links, dots and a slash at its end. */
async function realFolder(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    // A folder that is gone, or was never there, can still have sessions under its own name.
    return resolve(path);
  }
}

/** Sub-tasks are parts of their parents. */
function isShown({ workspacePath, parentSessionId }: Session, cwd: string | undefined): boolean {
  if (workspacePath === undefined || parentSessionId !== undefined) return false;
  return cwd === undefined || workspacePath === cwd;
}

function infoOf({ id, workspacePath = "", title, updatedAt }: Session): SessionInfo {
  return { sessionId: id, cwd: workspacePath, title: title === "" ? null : title, updatedAt };
}
