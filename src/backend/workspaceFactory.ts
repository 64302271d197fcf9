import type { Log } from "../base/log.js";
import type { ServerLimitsSource } from "../config/serverLimitsSource.js";
import { ConfigSource } from "../config/source.js";
import type { ResolvedConfig } from "../config/types.js";
import { Coordinator } from "../coordinator/coordinator.js";
import type { CoordinatorOptions } from "../coordinator/coordinatorOptions.js";
import type { Engine, EngineSetup, EngineWorkspace } from "../engine/engine.js";
import type { SandboxInfo } from "../protocol/objects/model.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type { Params } from "../protocol/registry.js";
import type { WorkspaceRow } from "../storage/workspaceStore.js";
import { OpenWorkspace } from "./openWorkspace.js";
import { type AgentChoice, WorkspaceAgent } from "./workspaceAgent.js";
import { WorkspaceModes } from "./workspaceModes.js";

/** What every workspace needs. */
export interface FactoryOptions {
  readonly coordination: Omit<CoordinatorOptions, "workspaceId" | "prepareTurn">;
  /** The server's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly limits: Pick<ServerLimitsSource, "current">;
  readonly log: Log;
  createEngine(workspace: EngineWorkspace): Engine;
}

/** Puts a workspace together. */
export class WorkspaceFactory {
  readonly #options: FactoryOptions;

  constructor(options: FactoryOptions) {
    this.#options = options;
  }

  /** Builds a workspace; `modes` holds the permission modes that were set by hand. */
  build(
    row: WorkspaceRow,
    params: Params<"createWorkspace">,
    modes: Map<string, PermissionMode>,
  ): OpenWorkspace {
    const { coordination, createEngine, limits, log } = this.#options;
    const env = params.env ?? {};
    const trusted = params.trusted ?? false;
    if (params.permissionMode !== undefined) modes.set(row.id, params.permissionMode);
    const workspaceModes = new WorkspaceModes(() => modes.get(row.id));
    const source = new ConfigSource({
      workspacePath: row.path,
      trusted,
      env: { ...this.#options.env, ...env },
    });
    const engine = createEngine({ id: row.id, path: row.path, trusted, env });
    const setup = (choice: AgentChoice, options: RunOptions = {}): EngineSetup => ({
      ...choice,
      options,
      permissions: workspaceModes.ofRun(options.permissionMode, () => agent.configuration()),
    });
    const onChoice = (choice: AgentChoice) => {
      workspaceModes.choose(choice.config);
      engine.warmUp?.(setup(choice));
    };
    const agent = new WorkspaceAgent(source, log, onChoice, async (config) => {
      // The limits are read by the time that the first run asks for a slot.
      const [sandbox] = await Promise.all([sandboxOf(engine, config), limits.current()]);
      return sandbox;
    });
    const coordinator = new Coordinator({
      ...coordination,
      workspaceId: row.id,
      prepareTurn: async (signal, { sessionId, options }) => {
        const choice = await agent.choice(options.model);
        workspaceModes.bound(choice.config);
        return engine.prepare({ ...setup(choice, options), sessionId }, signal);
      },
    });
    return new OpenWorkspace({ row, trusted, agent, coordinator, engine }, workspaceModes);
  }
}

/** How commands are confined. An engine without a sandbox enforces none. */
async function sandboxOf(engine: Engine, config: ResolvedConfig): Promise<SandboxInfo> {
  const requested = config.sandbox?.mode ?? "off";
  const own = requested === "off" ? undefined : await engine.sandbox?.(config);
  return own ?? { requested, enforced: false };
}
