import { type Log, withFields } from "../base/log.js";
import type { ServerLimitsSource } from "../config/serverLimitsSource.js";
import { ConfigSource } from "../config/source.js";
import type { ResolvedConfig } from "../config/types.js";
import { Coordinator } from "../coordinator/coordinator.js";
import type { CoordinatorOptions, RunToPrepare } from "../coordinator/coordinatorOptions.js";
import { defaultWaitingDays } from "../coordinator/waitingRuns.js";
import type { Engine } from "../engine/engine.js";
import type { EngineSetup, EngineWorkspace } from "../engine/setup.js";
import type { SandboxInfo } from "../protocol/objects/model.js";
import type { WorkspaceRow } from "../storage/workspaceStore.js";
import { checkEngine } from "./engineChoice.js";
import { EnginePool } from "./enginePool.js";
import { OpenWorkspace } from "./openWorkspace.js";
import { type AgentChoice, WorkspaceAgent } from "./workspaceAgent.js";
import { type ClientSettings, type WorkspaceClient, WorkspaceClients } from "./workspaceClients.js";
import { WorkspaceHolds } from "./workspaceHolds.js";
import { WorkspaceModes } from "./workspaceModes.js";

/** What every workspace needs. */
export interface FactoryOptions {
  readonly coordination: Omit<CoordinatorOptions, "workspaceId" | "prepareTurn">;
  /** The server's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly limits: Pick<ServerLimitsSource, "current">;
  readonly log: Log;
  /** Whether several clients share the server, each with settings of its own. */
  readonly isShared: boolean;
  createEngine(workspace: EngineWorkspace): Engine;
}

/** Puts a workspace together. */
export class WorkspaceFactory {
  readonly #options: FactoryOptions;

  constructor(options: FactoryOptions) {
    this.#options = options;
  }

  /**
   * Checks that there is an engine of this name.
   *
   * @throws DomainError `EngineNotFound`, `ConfigInvalid`.
   */
  async checkEngine(name: string, env: Readonly<Record<string, string>>): Promise<void> {
    await checkEngine(name, { ...this.#options.env, ...env });
  }

  /** Builds a workspace that nobody holds yet. `engine` runs its turns. */
  build(row: WorkspaceRow, engine: string): OpenWorkspace {
    const { coordination, createEngine, isShared, limits } = this.#options;
    const engines = new EnginePool((trusted, env) => ({
      engine: createEngine({ id: row.id, path: row.path, trusted, env, engine }),
      source: new ConfigSource({
        workspacePath: row.path,
        trusted,
        env: { ...this.#options.env, ...env },
      }),
    }));
    const holds = new WorkspaceHolds();
    const clients = new WorkspaceClients(
      (settings) => this.#client(settings, holds, engines, engine),
      isShared,
    );
    const coordinator = new Coordinator({
      ...coordination,
      log: withFields(coordination.log, { workspaceId: row.id }),
      workspaceId: row.id,
      waitingDays: () => waitingDaysOf(limits.current()),
      // What was accepted without trust does not go on with it.
      canGoOn: (terms, clientId) =>
        (terms.trusted || !holds.isTrusted) &&
        terms.env.every((name) => this.#hasVariable(clients.of(clientId), name)),
      prepareTurn: async (signal, run) => {
        const { sessionId, clientId, options, terms } = run;
        const client = clients.of(clientId);
        const choice = await client.agent.choice(options.model ?? terms?.model);
        client.modes.bound(choice.config);
        const isPresent = isShared ? holds.isHeldBy(clientId) : !holds.isEmpty;
        const setup = setupOf(client, choice, { ...run, isAlone: !isPresent });
        return client.engine().prepare({ ...setup, sessionId }, signal);
      },
    });
    return new OpenWorkspace({ row, engine, coordinator, holds, clients, engines });
  }

  #hasVariable({ env }: WorkspaceClient, name: string): boolean {
    return Object.hasOwn(env, name) || this.#options.env[name] !== undefined;
  }

  /** The part of one client. */
  #client(
    { env, permissionMode }: ClientSettings,
    holds: WorkspaceHolds,
    engines: EnginePool,
    engine: string,
  ): WorkspaceClient {
    const { limits, log } = this.#options;
    const equipment = () => engines.of(holds.isTrusted, env);
    const modes = new WorkspaceModes(permissionMode);
    const agent = new WorkspaceAgent(
      {
        current: () => equipment().source.current(),
        reload: () => equipment().source.reload(),
      },
      log,
      (choice) => {
        modes.choose(choice.config);
        equipment().engine.warmUp?.(setupOf(client, choice));
      },
      async (config) => {
        // The limits are read by the time that the first run asks for a slot.
        const [sandbox] = await Promise.all([
          sandboxOf(equipment().engine, config),
          limits.current(),
        ]);
        return sandbox;
      },
      engine,
    );
    const client: WorkspaceClient = { env, agent, modes, engine: () => equipment().engine };
    return client;
  }
}

/** Undefined while the user's file is being read. An agent is ready when it was. */
function waitingDaysOf(limits: ReturnType<ServerLimitsSource["current"]>): number | undefined {
  return limits instanceof Promise ? undefined : (limits.waitingDays ?? defaultWaitingDays);
}

function setupOf(
  { modes, agent }: WorkspaceClient,
  choice: AgentChoice,
  run?: RunToPrepare & { readonly isAlone: boolean },
): EngineSetup {
  const { options = {} } = run ?? {};
  return {
    ...choice,
    options,
    log: run?.log,
    permissions: modes.ofRun(options.permissionMode, () => agent.configuration(), run),
  };
}

/** How commands are confined. An engine without a sandbox enforces none. */
async function sandboxOf(engine: Engine, config: ResolvedConfig): Promise<SandboxInfo> {
  const requested = config.sandbox?.mode ?? "off";
  const own = requested === "off" ? undefined : await engine.sandbox?.(config);
  return own ?? { requested, enforced: false };
}
