// Sessions and messages (protocol.md section 3).
import { existsSync } from "node:fs";
import type { Clock } from "../base/clock.js";
import { DomainError } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Checkpoints } from "../checkpoints/checkpoints.js";
import { sessionBusy } from "../coordinator/runAdmission.js";
import { optionsText } from "../coordinator/runOptions.js";
import { type WaitingOptions, WaitingRuns } from "../coordinator/waitingRuns.js";
import { toMessage, toSession } from "../coordinator/wireObjects.js";
import type { Message } from "../protocol/objects/message.js";
import type { Session } from "../protocol/objects/session.js";
import type { Params, Result } from "../protocol/registry.js";
import type { Forgetter } from "../storage/forgetter.js";
import type { MessageStore } from "../storage/messageStore.js";
import type { SessionRow, SessionStore } from "../storage/sessionStore.js";
import type { Announcer, Caller } from "./caller.js";
import {
  checkContents,
  checkModel,
  needConfig,
  outputProblem,
  refuseForEngine,
  refuseOutput,
} from "./checkedOptions.js";
import { describeAnywhere } from "./everySession.js";
import type { OpenWorkspace } from "./openWorkspace.js";
import { defaultPageSize, positionOf, toPage } from "./pages.js";
import type { SessionSearchOptions } from "./sessionSearch.js";

/** What the use cases of sessions need. */
export interface SessionUseCaseOptions
  extends SessionSearchOptions,
    Omit<WaitingOptions, "workspaceId"> {
  readonly sessions: SessionStore;
  readonly messages: MessageStore;
  readonly forgetter: Pick<Forgetter, "isForgetting" | "finish" | "wake">;
  /** What is kept of files, for a way back. */
  readonly kept: Checkpoints;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** The use cases of sessions and messages. Each throws the errors that its method declares. */
export class SessionUseCases {
  readonly #options: SessionUseCaseOptions;

  constructor(options: SessionUseCaseOptions) {
    this.#options = options;
  }

  /** `createSession` */
  async create(params: Params<"createSession">, caller: Caller): Promise<Session> {
    await this.#checkDefaults(params, caller);
    const { forgetter } = this.#options;
    // What a deleted session of this id has left would look like the new one's.
    if (params.sessionId !== undefined && forgetter.isForgetting(params.sessionId)) {
      await forgetter.finish(params.sessionId);
    }
    const session = this.#create(params);
    const { mcpServers } = params;
    if (mcpServers !== undefined) {
      const client = this.#options.workspaces.get(params.workspaceId).of(caller);
      await client.engine().setSessionServers?.(session.id, mcpServers);
    }
    return session;
  }

  /** @throws DomainError as `createSession` declares. */
  async #checkDefaults(
    { workspaceId, defaults }: Params<"createSession">,
    caller: Caller,
  ): Promise<void> {
    if (defaults === undefined) return;
    const workspace = this.#options.workspaces.get(workspaceId);
    workspace.refuseIfClosing();
    const { agent, engine } = workspace.of(caller);
    const named = { name: "defaults", options: defaults } as const;
    const config = needConfig(defaults) ? await agent.configuration() : undefined;
    checkContents(named, config);
    refuseForEngine(named, engine());
    refuseOutput("defaults", await outputProblem(defaults, engine(), caller.signal));
    checkModel(named, workspace.engine, config);
  }

  #create(params: Params<"createSession">): Session {
    const { workspaces, sessions, clock, ids } = this.#options;
    const workspace = workspaces.get(params.workspaceId);
    workspace.refuseIfClosing();
    if (params.parentSessionId !== undefined) this.find(workspace, params.parentSessionId);
    if (params.sessionId !== undefined) {
      const known = sessions.find(workspace.id, params.sessionId);
      if (known !== undefined) return workspace.coordinator.describe(known);
      if (sessions.exists(params.sessionId)) throw takenElsewhere(params.sessionId);
    }
    const row = sessions.insert({
      id: params.sessionId ?? ids.next("ses"),
      workspaceId: workspace.id,
      parentSessionId: params.parentSessionId,
      title: params.title ?? "",
      defaults: optionsText(params.defaults ?? {}),
      createdAt: clock.now(),
    });
    return toSession(row, { isBusy: false, queued: 0 });
  }

  /** `getSession` */
  get(params: Params<"getSession">): Session {
    const workspace = this.#options.workspaces.get(params.workspaceId);
    return workspace.coordinator.describe(this.find(workspace, params.sessionId));
  }

  /** `listSessions` */
  list(params: Params<"listSessions">): Result<"listSessions"> {
    const { workspaces, sessions } = this.#options;
    const { workspaceId } = params;
    const workspace = workspaceId === undefined ? undefined : workspaces.get(workspaceId);
    const limit = params.limit ?? defaultPageSize;
    const before = positionOf(params.cursor);
    const { rows, next } = toPage(sessions.list(workspace?.id, limit + 1, before), limit);
    const describe = (row: SessionRow) =>
      workspace?.coordinator.describe(row) ?? describeAnywhere(row, this.#options);
    return { sessions: rows.map(describe), ...next };
  }

  /** `searchSessions` */
  async search(
    params: Params<"searchSessions">,
    signal: AbortSignal,
  ): Promise<Result<"searchSessions">> {
    const { searchSessions } = await import("./sessionSearch.js");
    return searchSessions(params, this.#options, signal);
  }

  /** `updateSession` */
  update(params: Params<"updateSession">): Session {
    const workspace = this.#options.workspaces.get(params.workspaceId);
    const { id } = this.find(workspace, params.sessionId);
    this.#options.sessions.setTitle(id, params.title, this.#options.clock.now());
    const session = workspace.coordinator.describe(this.find(workspace, id));
    this.#options.announcer.emit({
      method: "sessionUpdated",
      params: { workspaceId: workspace.id, sessionId: id, session },
    });
    return session;
  }

  /** `deleteSession`: deletes the sessions of its sub-tasks too. */
  async delete({
    workspaceId,
    sessionId: id,
  }: Params<"deleteSession">): Promise<Record<string, never>> {
    const { workspaces, sessions, announcer, forgetter } = this.#options;
    // A folder that is gone cannot be opened any more, and its sessions can go too.
    const workspace = this.#isGone(workspaceId) ? undefined : workspaces.get(workspaceId);
    this.#row(workspaceId, id);
    const all = [...sessions.descendants(workspaceId, id), id];
    if (workspace !== undefined) workspace.coordinator.deleteSessions(all);
    else {
      const waiting = new WaitingRuns({ ...this.#options, workspaceId });
      for (const one of all) waiting.endDeleted(one);
      if (!sessions.delete(all)) throw sessionBusy();
    }
    forgetter.wake();
    for (const sessionId of all) {
      announcer.emit({ method: "sessionDeleted", params: { workspaceId, sessionId } });
    }
    for (const one of all) {
      await workspace?.engines.forgetSession(one);
      await this.#options.kept.forgetSession(one);
    }
    return {};
  }

  /** Whether a workspace that is not open has no folder any more. */
  #isGone(workspaceId: string): boolean {
    const { workspaces, workspacePaths } = this.#options;
    if (workspaces.known(workspaceId) !== undefined) return false;
    const path = workspacePaths.pathOf(workspaceId);
    return path !== undefined && !existsSync(path);
  }

  /** `listMessages` */
  listMessages(params: Params<"listMessages">): Result<"listMessages"> {
    const workspace = this.#options.workspaces.get(params.workspaceId);
    const { id } = this.find(workspace, params.sessionId);
    workspace.coordinator.live.flush(id);
    const limit = params.limit ?? defaultPageSize;
    const after = positionOf(params.cursor);
    const { messages } = this.#options;
    const read = messages.list(id, limit + 1, after);
    const { rows, next } = toPage(read.rows, limit, read.isCut);
    return { messages: rows.map((row) => toMessage(row, messages)), ...next };
  }

  /** `subscribe` */
  subscribe(
    { workspaceId, sessionId }: Params<"subscribe">,
    { scope }: Caller,
  ): Result<"subscribe"> {
    const workspace = this.#options.workspaces.get(workspaceId);
    workspace.coordinator.live.flush(this.find(workspace, sessionId).id);
    const row = this.find(workspace, sessionId);
    const session = workspace.coordinator.describe(row);
    const said = workspace.coordinator.live.said(row.id);
    const { messages } = this.#options;
    const find = (id: string) => {
      const found = messages.find(row.id, id);
      return found && toMessage(found, messages);
    };
    scope?.addSession(workspace.id, row.id);
    const live = !session.isBusy || workspace.coordinator.live.isHere(row.id);
    return { session, messages: said?.list(find) ?? [], live };
  }

  /** `getMessage` */
  getMessage(params: Params<"getMessage">): Message {
    const workspace = this.#options.workspaces.get(params.workspaceId);
    const { id } = this.find(workspace, params.sessionId);
    workspace.coordinator.live.flush(id);
    const row = this.#options.messages.find(id, params.messageId);
    if (row === undefined) {
      throw new DomainError(
        "MessageNotFound",
        `No message ${JSON.stringify(params.messageId)} in this session; listMessages tells which there are.`,
      );
    }
    return toMessage(row, this.#options.messages);
  }

  /** A session of an open workspace; undefined where there is none. */
  known({
    workspaceId,
    sessionId,
  }: {
    readonly workspaceId: string;
    readonly sessionId: string;
  }): SessionRow | undefined {
    const { workspaces, sessions } = this.#options;
    if (workspaces.known(workspaceId) === undefined) return undefined;
    return sessions.find(workspaceId, sessionId);
  }

  /** @throws DomainError `SessionMissing` or `SessionNotFound`. */
  find(workspace: OpenWorkspace, sessionId: string): SessionRow {
    return this.#row(workspace.id, sessionId);
  }

  #row(workspaceId: string, sessionId: string): SessionRow {
    if (sessionId === "") {
      throw new DomainError(
        "SessionMissing",
        "`sessionId` is empty; make a session with createSession.",
      );
    }
    const row = this.#options.sessions.find(workspaceId, sessionId);
    if (row === undefined) {
      throw new DomainError(
        "SessionNotFound",
        `No session ${JSON.stringify(sessionId)} in this workspace; listSessions tells which there are.`,
      );
    }
    return row;
  }
}

function takenElsewhere(sessionId: string): DomainError {
  const message = `another workspace has a session ${JSON.stringify(sessionId)}; choose another id`;
  return new DomainError("InvalidParams", `sessionId: ${message}.`, {
    data: { issues: [{ path: "sessionId", message }] },
  });
}
