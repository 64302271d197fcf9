// The use cases of a workspace's agent (protocol.md section 4): its models, its tools, and the mode of
// its permissions, all as the caller has set them.
import { defaultSmallModel, listModels } from "../config/models.js";
import type { AgentInfo, SelectedModel } from "../protocol/objects/model.js";
import type { ToolInfo } from "../protocol/objects/toolInfo.js";
import type { Params, Result } from "../protocol/registry.js";
import type { Caller } from "./caller.js";
import type { OpenWorkspace } from "./openWorkspace.js";
import { refuseIfNotReady } from "./sendMessage.js";
import type { SessionUseCases } from "./sessionUseCases.js";
import type { WorkspaceClient } from "./workspaceClients.js";
import type { WorkspaceRegistry } from "./workspaceRegistry.js";

/** The use cases of agents. Each throws the errors that its method declares. */
export class AgentUseCases {
  readonly #workspaces: WorkspaceRegistry;
  readonly #sessions: SessionUseCases;

  constructor(workspaces: WorkspaceRegistry, sessions: SessionUseCases) {
    this.#workspaces = workspaces;
    this.#sessions = sessions;
  }

  /** `initAgent` */
  async init(params: Params<"initAgent">, caller: Caller): Promise<AgentInfo> {
    const workspace = this.#workspaces.get(params.workspaceId);
    workspace.refuseIfClosing();
    await workspace.of(caller).agent.init();
    return agentInfo(workspace, caller);
  }

  /** `updateAgent` */
  async update(params: Params<"updateAgent">, caller: Caller): Promise<AgentInfo> {
    const workspace = this.#workspaces.get(params.workspaceId);
    workspace.refuseIfClosing();
    await workspace.of(caller).agent.update();
    return agentInfo(workspace, caller);
  }

  /** `getAgentInfo` */
  info(params: Params<"getAgentInfo">, caller: Caller): AgentInfo {
    return agentInfo(this.#workspaces.get(params.workspaceId), caller);
  }

  /** `listModels` */
  async listModels(params: Params<"listModels">, caller: Caller): Promise<Result<"listModels">> {
    const { agent } = this.#workspaces.get(params.workspaceId).of(caller);
    return { models: listModels(await agent.configuration()) };
  }

  /** `listCommands` */
  async listCommands(
    params: Params<"listCommands">,
    caller: Caller,
  ): Promise<Result<"listCommands">> {
    const { agent, engine } = this.#readyWorkspace(params, caller);
    const { config } = await agent.choice();
    const { sessionId } = params;
    const commands = await engine().commands?.(config, caller.signal, sessionId);
    return { commands: [...(commands ?? [])] };
  }

  /** `listTools`, without those of clients. */
  async listTools(params: Params<"listTools">, caller: Caller): Promise<readonly ToolInfo[]> {
    const { agent, engine } = this.#readyWorkspace(params, caller);
    const { config } = await agent.choice();
    return (await engine().tools?.(config, caller.signal, params.sessionId)) ?? [];
  }

  /** The caller's part, if it can be asked what a run of the session, or of any, may use. */
  #readyWorkspace(
    { workspaceId, sessionId }: Params<"listTools">,
    caller: Caller,
  ): WorkspaceClient {
    const workspace = this.#workspaces.get(workspaceId);
    refuseIfNotReady(workspace, caller);
    workspace.refuseIfClosing();
    if (sessionId !== undefined) this.#sessions.find(workspace, sessionId);
    return workspace.of(caller);
  }

  /** `setModel` */
  async setModel(params: Params<"setModel">, caller: Caller): Promise<AgentInfo> {
    const workspace = this.#workspaces.get(params.workspaceId);
    refuseIfNotReady(workspace, caller);
    await workspace.of(caller).agent.setModel(params.modelType, params.model);
    return agentInfo(workspace, caller);
  }

  /** `getDefaultSmallModel` */
  async getDefaultSmallModel(
    params: Params<"getDefaultSmallModel">,
    caller: Caller,
  ): Promise<SelectedModel> {
    const { agent } = this.#workspaces.get(params.workspaceId).of(caller);
    const config = await agent.configuration();
    if (!config.providers.has(params.providerId)) return agent.large ?? config.models.large;
    return defaultSmallModel(config, params.providerId);
  }

  /** `setPermissionMode` */
  setPermissionMode(params: Params<"setPermissionMode">, caller: Caller): Record<string, never> {
    const { modes, engine } = this.#workspaces.get(params.workspaceId).of(caller);
    modes.refuse(params.mode);
    modes.set(params.mode);
    engine().permissionsChanged?.();
    return {};
  }
}

function agentInfo(workspace: OpenWorkspace, caller: Caller): AgentInfo {
  return workspace.of(caller).agent.info(workspace.coordinator.isBusy);
}
