// The use cases (protocol.md sections 3 and 4). Each is a method that a handler calls with checked
// params. Nothing here knows JSON-RPC.
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import { telemetry } from "../base/telemetry.js";
import { noOptions } from "../coordinator/runOptions.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Workspace } from "../protocol/objects/workspace.js";
import type { Params, Result } from "../protocol/registry.js";
import { acceptFor } from "./acceptFor.js";
import { AgentUseCases } from "./agentUseCases.js";
import type { Caller, Completions } from "./caller.js";
import type { CheckpointUseCases } from "./checkpointUseCases.js";
import type { ConnectionScope } from "./connectionScope.js";
import { cancelledWithPrompts, waitedWithPrompts } from "./givenBack.js";
import type { OpenWorkspace } from "./openWorkspace.js";
import { positionOf } from "./pages.js";
import { QueueUseCases } from "./queueUseCases.js";
import type { RunUseCases } from "./runUseCases.js";
import { refuseIfNotReady, SendMessage } from "./sendMessage.js";
import type { SessionUseCases } from "./sessionUseCases.js";
import { outcomeOf, summaryOf } from "./summaryAnswer.js";
import type { WorkspaceRegistry } from "./workspaceRegistry.js";

/** What the backend needs. */
export interface BackendOptions {
  readonly workspaces: WorkspaceRegistry;
  readonly sessions: SessionUseCases;
  readonly runs: RunUseCases;
  readonly checkpoints: CheckpointUseCases;
  readonly completions: Completions;
  readonly clock: Clock;
  /** Called when a workspace was opened, or made ready. */
  onOpened?(): void;
  /** How long running turns may go on when the server ends, in milliseconds. */
  readonly lingerMs: number;
}

/** The use cases; each throws the domain errors that its method declares. */
export class Backend {
  readonly sessions: SessionUseCases;
  readonly runs: RunUseCases;
  readonly queues: QueueUseCases;
  readonly agents: AgentUseCases;
  readonly checkpoints: CheckpointUseCases;
  readonly #workspaces: WorkspaceRegistry;
  readonly #completions: Completions;
  readonly #sendMessage: SendMessage;
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #onOpened: () => void;
  #ended: Promise<readonly string[]> | undefined;

  constructor(options: BackendOptions) {
    this.sessions = options.sessions;
    this.runs = options.runs;
    this.queues = new QueueUseCases(options.workspaces, options.sessions);
    this.agents = new AgentUseCases(options.workspaces, options.sessions);
    this.checkpoints = options.checkpoints;
    this.#workspaces = options.workspaces;
    this.#completions = options.completions;
    this.#sendMessage = new SendMessage(options);
    this.#clock = options.clock;
    this.#lingerMs = options.lingerMs;
    this.#onOpened = () => options.onOpened?.();
  }

  /** `createWorkspace` */
  async createWorkspace(params: Params<"createWorkspace">, caller: Caller): Promise<Workspace> {
    const workspace = await this.#workspaces.create(params, caller);
    this.#onOpened();
    return workspace.describe(caller);
  }

  /** `getWorkspace` */
  getWorkspace(params: Params<"getWorkspace">, caller: Caller): Workspace {
    return this.#workspaces.get(params.workspaceId).describe(caller);
  }

  /** `listWorkspaces` */
  listWorkspaces(caller: Caller): Result<"listWorkspaces"> {
    return { workspaces: this.#workspaces.list().map((workspace) => workspace.describe(caller)) };
  }

  /** `deleteWorkspace` */
  async deleteWorkspace(
    { workspaceId, force }: Params<"deleteWorkspace">,
    { scope }: Caller,
  ): Promise<Result<"deleteWorkspace">> {
    const workspace = this.#workspaces.get(workspaceId);
    if (scope !== undefined && force !== true) {
      return { closed: await this.#workspaces.release(workspace, scope) };
    }
    this.#workspaces.forgetResumable(workspaceId);
    workspace.coordinator.settle();
    workspace.coordinator.queue.waiting.endOfWorkspace();
    workspace.coordinator.queue.takeOverAll();
    await this.#workspaces.delete(workspace, "deleted");
    return scope === undefined ? {} : { closed: true };
  }

  /** A client of a server with several has gone: its holds are given up, and its runs go on. */
  async leave(scope: ConnectionScope): Promise<void> {
    scope.close();
    const workspaces = this.#workspaces.list();
    await Promise.all(workspaces.map((workspace) => this.#workspaces.release(workspace, scope)));
  }

  /** How many workspaces are open. */
  get openWorkspaces(): number {
    return this.#workspaces.list().length;
  }

  /** Whether a turn runs or waits in any workspace. */
  get isBusy(): boolean {
    return this.#workspaces.list().some(({ coordinator }) => coordinator.isBusy);
  }

  /** Resolves once no turn runs any more and none is about to. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.#workspaces.list().map(({ coordinator }) => coordinator.whenIdle()));
  }

  /** `sendMessage` */
  sendMessage(params: Params<"sendMessage">, caller: Caller): Promise<Result<"sendMessage">> {
    return this.#sendMessage.send(params, caller);
  }

  /** `cancelSession` */
  cancelSession(params: Params<"cancelSession">, caller: Caller): Result<"cancelSession"> {
    const { workspace, sessionId } = this.#session(params);
    const waited = workspace.coordinator.queue.waiting.endAll(sessionId, "user");
    if (waited.length > 0) return waitedWithPrompts(waited, caller.clientId);
    const queued = workspace.coordinator.queue.prompts(sessionId);
    const cancelled = workspace.coordinator.cancelSession(sessionId);
    return cancelledWithPrompts(cancelled, queued, caller.clientId);
  }

  /** `cancelRun` */
  cancelRun(params: Params<"cancelRun">): Result<"cancelRun"> {
    const row = this.runs.find(params.workspaceId, params.runId);
    return { outcome: this.#workspaces.get(params.workspaceId).coordinator.cancelRun(row) };
  }

  /**
   * `summarizeSession`: answers at the end of the summary's turn, which belongs to the workspace.
   */
  async summarizeSession(
    params: Params<"summarizeSession">,
    caller: Caller,
  ): Promise<Result<"summarizeSession">> {
    const workspace = this.#workspaces.get(params.workspaceId);
    refuseIfNotReady(workspace, caller);
    this.sessions.find(workspace, params.sessionId);
    workspace.refuseIfClosing();
    const accepted = await acceptFor(caller, workspace.coordinator, {
      sessionId: params.sessionId,
      runId: params.runId,
      clientId: caller.clientId,
      kind: "summary",
      prompt: { text: "", attachments: [] },
      options: noOptions,
      whenBusy: "reject",
      ...defined({ parent: telemetry()?.parentOf(caller.trace ?? {}) }),
    });
    if (accepted.run !== undefined) return summaryOf(await outcomeOf(accepted.run, caller));
    const runId = params.runId ?? "";
    const completion = await this.runs.wait({ workspaceId: workspace.id, runId }, caller);
    if ("timedOut" in completion) {
      throw new DomainError("SessionBusy", "The summary is still being made; ask again.");
    }
    return summaryOf(completion);
  }

  /** `listPendingCompletions` */
  listPendingCompletions(
    params: Params<"listPendingCompletions">,
    caller: Caller,
  ): Result<"listPendingCompletions"> {
    const { workspaceId, sessionId, cursor } = params;
    const place = { workspaceId, sessionId, after: positionOf(cursor) };
    const { completions, next } = this.#completions.listPending(caller.clientId, place);
    return { completions, ...defined({ nextCursor: next === undefined ? next : String(next) }) };
  }

  /** `acknowledge` */
  acknowledge(params: Params<"acknowledge">, caller: Caller): Promise<Result<"acknowledge">> {
    return this.#completions.acknowledge(caller.clientId, params.completionIds, this.#clock.now());
  }

  /** Moves runs that a client sent before it gave its identity to that identity. */
  adopt(from: string, to: string): void {
    // Waiting runs are among them.
    for (const { coordinator, clients } of this.#workspaces.list()) {
      coordinator.settle();
      clients.rename(from, to);
    }
    this.#completions.adopt(from, to);
  }

  /**
   * Ends every turn and closes every workspace; running turns may go on for the linger time first, unless
   * the cause is `internal`.
   * The caller must let no new work in. Every further call gets the same promise.
   */
  end(cause: RunCause): Promise<readonly string[]> {
    this.#ended ??= this.#end(cause);
    return this.#ended;
  }

  async #end(cause: RunCause): Promise<readonly string[]> {
    const workspaces = this.#workspaces.list();
    for (const { coordinator } of workspaces) coordinator.beginParking();
    // A server with an internal error ends as soon as possible.
    if (this.#lingerMs > 0 && cause !== "internal") {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(this.#lingerMs, resolve);
        void this.whenIdle().then(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    await Promise.all(
      this.#workspaces.list().map((workspace) => this.#workspaces.delete(workspace, cause)),
    );
    return workspaces.flatMap(({ coordinator }) => coordinator.parked);
  }

  #session(params: { workspaceId: string; sessionId: string }): {
    workspace: OpenWorkspace;
    sessionId: string;
  } {
    const workspace = this.#workspaces.get(params.workspaceId);
    return { workspace, sessionId: this.sessions.find(workspace, params.sessionId).id };
  }
}
