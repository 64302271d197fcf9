import type { Log } from "../base/log.js";
import { ConfigSource } from "../config/source.js";
import { Coordinator } from "../coordinator/coordinator.js";
import type { CoordinatorOptions } from "../coordinator/coordinatorOptions.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type { Params } from "../protocol/registry.js";
import type { WorkspaceRow } from "../storage/workspaceStore.js";
import { OpenWorkspace } from "./openWorkspace.js";
import type { Engine, EnginePlace } from "./ports.js";
import { WorkspaceAgent } from "./workspaceAgent.js";

/** What every workspace is built from. */
export interface FactoryOptions {
  readonly coordination: Omit<CoordinatorOptions, "workspaceId" | "engine">;
  /** The server's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  createEngine(place: EnginePlace): Engine;
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
    const { coordination, createEngine, log } = this.#options;
    const env = params.env ?? {};
    const trusted = params.trusted ?? false;
    if (params.permissionMode !== undefined) modes.set(row.id, params.permissionMode);
    let configuredMode: PermissionMode = "ask";
    const mode = () => modes.get(row.id) ?? configuredMode;
    const source = new ConfigSource({
      workspacePath: row.path,
      trusted,
      env: { ...this.#options.env, ...env },
    });
    const agent = new WorkspaceAgent(source, log, (config) => {
      configuredMode = config.permissionMode ?? "ask";
      engine.warmUp?.();
    });
    const engine: Engine = createEngine({
      workspaceId: row.id,
      workspacePath: row.path,
      env,
      permissionMode: mode,
      configuration: () => agent.configuration(),
      choose: () => agent.choice(),
    });
    const coordinator = new Coordinator({ ...coordination, workspaceId: row.id, engine });
    return new OpenWorkspace({ row, trusted, agent, coordinator, engine }, mode);
  }
}
