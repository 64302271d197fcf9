// The use cases (protocol.md sections 3 and 4). Each is a method that a handler calls with checked
// params. Nothing here knows JSON-RPC.
import type { Clock } from "../base/clock.js";
import { DomainError } from "../base/errors.js";
import { defaultSmallModel, listModels } from "../config/models.js";
import { noOptions } from "../coordinator/runOptions.js";
import type { AgentInfo, SelectedModel } from "../protocol/objects/model.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { ToolInfo } from "../protocol/objects/toolInfo.js";
import type { Workspace } from "../protocol/objects/workspace.js";
import type { Params, Result } from "../protocol/registry.js";
import { acceptFor } from "./acceptFor.js";
import type { Caller, Completions } from "./caller.js";
import type { CheckpointUseCases } from "./checkpointUseCases.js";
import { cancelledWithPrompts } from "./givenBack.js";
import type { OpenWorkspace } from "./openWorkspace.js";
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
  /** How long running turns may go on when the server ends, in milliseconds. */
  readonly lingerMs: number;
}

type Empty = Record<string, never>;

/** The use cases; each throws the domain errors that its method declares. */
export class Backend {
  readonly sessions: SessionUseCases;
  readonly runs: RunUseCases;
  readonly queues: QueueUseCases;
  readonly checkpoints: CheckpointUseCases;
  readonly #workspaces: WorkspaceRegistry;
  readonly #completions: Completions;
  readonly #sendMessage: SendMessage;
  readonly #clock: Clock;
  readonly #lingerMs: number;
  #ended: Promise<void> | undefined;

  constructor(options: BackendOptions) {
    this.sessions = options.sessions;
    this.runs = options.runs;
    this.queues = new QueueUseCases(options.workspaces, options.sessions);
    this.checkpoints = options.checkpoints;
    this.#workspaces = options.workspaces;
    this.#completions = options.completions;
    this.#sendMessage = new SendMessage(options);
    this.#clock = options.clock;
    this.#lingerMs = options.lingerMs;
  }

  /** `createWorkspace` */
  async createWorkspace(params: Params<"createWorkspace">): Promise<Workspace> {
    return (await this.#workspaces.create(params)).describe();
  }

  /** `getWorkspace` */
  getWorkspace(params: Params<"getWorkspace">): Workspace {
    return this.#workspaces.get(params.workspaceId).describe();
  }

  /** `listWorkspaces` */
  listWorkspaces(): Result<"listWorkspaces"> {
    return { workspaces: this.#workspaces.list().map((workspace) => workspace.describe()) };
  }

  /** `deleteWorkspace` */
  async deleteWorkspace(params: Params<"deleteWorkspace">): Promise<Empty> {
    const workspace = this.#workspaces.get(params.workspaceId);
    workspace.coordinator.queue.takeOverAll();
    await this.#workspaces.delete(workspace, "deleted");
    return {};
  }

  /** `initAgent` */
  async initAgent(params: Params<"initAgent">): Promise<AgentInfo> {
    const workspace = this.#workspaces.get(params.workspaceId);
    workspace.refuseIfClosing();
    await workspace.agent.init();
    return agentInfo(workspace);
  }

  /** `updateAgent` */
  async updateAgent(params: Params<"updateAgent">): Promise<AgentInfo> {
    const workspace = this.#workspaces.get(params.workspaceId);
    workspace.refuseIfClosing();
    await workspace.agent.update();
    return agentInfo(workspace);
  }

  /** `getAgentInfo` */
  getAgentInfo(params: Params<"getAgentInfo">): AgentInfo {
    return agentInfo(this.#workspaces.get(params.workspaceId));
  }

  /** `sendMessage` */
  sendMessage(params: Params<"sendMessage">, caller: Caller): Promise<Result<"sendMessage">> {
    return this.#sendMessage.send(params, caller);
  }

  /** `cancelSession` */
  cancelSession(params: Params<"cancelSession">, caller: Caller): Result<"cancelSession"> {
    const { workspace, sessionId } = this.#session(params);
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
    refuseIfNotReady(workspace);
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
    });
    if (accepted.run !== undefined) return summaryOf(await outcomeOf(accepted.run, caller));
    const runId = params.runId ?? "";
    const completion = await this.runs.wait({ workspaceId: workspace.id, runId }, caller);
    if ("timedOut" in completion) {
      throw new DomainError("SessionBusy", "The summary is still being made; ask again.");
    }
    return summaryOf(completion);
  }

  /** `listModels` */
  async listModels(params: Params<"listModels">): Promise<Result<"listModels">> {
    const { agent } = this.#workspaces.get(params.workspaceId);
    return { models: listModels(await agent.configuration()) };
  }

  /** `listCommands` */
  async listCommands(
    params: Params<"listCommands">,
    caller: Caller,
  ): Promise<Result<"listCommands">> {
    const workspace = this.#readyWorkspace(params);
    const { config } = await workspace.agent.choice();
    const { sessionId } = params;
    const commands = await workspace.engine.commands?.(config, caller.signal, sessionId);
    return { commands: [...(commands ?? [])] };
  }

  /** `listTools`, without those of clients. */
  async listTools(params: Params<"listTools">, caller: Caller): Promise<readonly ToolInfo[]> {
    const workspace = this.#readyWorkspace(params);
    const { config } = await workspace.agent.choice();
    return (await workspace.engine.tools?.(config, caller.signal, params.sessionId)) ?? [];
  }

  /** The workspace, if it can be asked what a run of the session, or of any, may use. */
  #readyWorkspace({ workspaceId, sessionId }: Params<"listTools">): OpenWorkspace {
    const workspace = this.#workspaces.get(workspaceId);
    refuseIfNotReady(workspace);
    workspace.refuseIfClosing();
    if (sessionId !== undefined) this.sessions.find(workspace, sessionId);
    return workspace;
  }

  /** `setModel` */
  async setModel(params: Params<"setModel">): Promise<AgentInfo> {
    const workspace = this.#workspaces.get(params.workspaceId);
    refuseIfNotReady(workspace);
    await workspace.agent.setModel(params.modelType, params.model);
    return agentInfo(workspace);
  }

  /** `getDefaultSmallModel` */
  async getDefaultSmallModel(params: Params<"getDefaultSmallModel">): Promise<SelectedModel> {
    const { agent } = this.#workspaces.get(params.workspaceId);
    const config = await agent.configuration();
    if (!config.providers.has(params.providerId)) return agent.large ?? config.models.large;
    return defaultSmallModel(config, params.providerId);
  }

  /** `listPendingCompletions` */
  listPendingCompletions(
    params: Params<"listPendingCompletions">,
    caller: Caller,
  ): Result<"listPendingCompletions"> {
    const { workspaceId, sessionId } = params;
    return {
      completions: this.#completions.listPending(caller.clientId, workspaceId, sessionId),
    };
  }

  /** `acknowledge` */
  acknowledge(params: Params<"acknowledge">, caller: Caller): Result<"acknowledge"> {
    return this.#completions.acknowledge(caller.clientId, params.completionIds, this.#clock.now());
  }

  /** Moves runs that a client sent before it gave its identity to that identity. */
  adopt(from: string, to: string): void {
    // Waiting runs are among them.
    for (const { coordinator } of this.#workspaces.list()) coordinator.settle();
    this.#completions.adopt(from, to);
  }

  /** `setPermissionMode` */
  setPermissionMode(params: Params<"setPermissionMode">): Empty {
    const workspace = this.#workspaces.get(params.workspaceId);
    workspace.refuseMode(params.mode);
    this.#workspaces.setPermissionMode(workspace, params.mode);
    return {};
  }

  /**
   * Ends every turn and closes every workspace; running turns may go on for the linger time first, unless
   * the cause is `internal`.
   * The caller must let no new work in. Every further call gets the same promise.
   */
  end(cause: RunCause): Promise<void> {
    this.#ended ??= this.#end(cause);
    return this.#ended;
  }

  async #end(cause: RunCause): Promise<void> {
    const workspaces = this.#workspaces.list();
    // A server with an internal error ends as soon as possible.
    if (this.#lingerMs > 0 && cause !== "internal") {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(this.#lingerMs, resolve);
        void Promise.all(workspaces.map(({ coordinator }) => coordinator.whenIdle())).then(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    await Promise.all(
      this.#workspaces.list().map((workspace) => this.#workspaces.delete(workspace, cause)),
    );
  }

  #session(params: { workspaceId: string; sessionId: string }): {
    workspace: OpenWorkspace;
    sessionId: string;
  } {
    const workspace = this.#workspaces.get(params.workspaceId);
    return { workspace, sessionId: this.sessions.find(workspace, params.sessionId).id };
  }
}

function agentInfo(workspace: OpenWorkspace): AgentInfo {
  return workspace.agent.info(workspace.coordinator.isBusy);
}
