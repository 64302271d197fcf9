// The engine that hands the turns of a workspace to an agent's program, which speaks the Agent Client
// Protocol (docs/engines.md). There is one program for a workspace. It is started when the first turn
// needs it, and kept.
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { DomainError, messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { clipCharacters } from "../base/text.js";
import { untilAborted } from "../base/untilAborted.js";
import type { EngineProgram, ResolvedConfig } from "../config/types.js";
import type { Engine, Turn, TurnOutcome, TurnRequest } from "../engine/engine.js";
import type { EngineSetup, EngineWorkspace } from "../engine/setup.js";
import {
  type AlwaysAllowed,
  createPermissionGate,
  type GrantingPaths,
  OpenQuestions,
  SessionGrants,
} from "../permissions/index.js";
import { toolEnvironment } from "../process/environment.js";
import type { ProcessHost } from "../process/processHost.js";
import type { Command } from "../protocol/objects/command.js";
import type { SessionServers } from "../protocol/objects/sessionServer.js";
import { runAcpTurn } from "./acpTurn.js";
import { AgentGone } from "./agentErrors.js";
import type { StartAgentProgram } from "./agentProcess.js";
import type { EngineAgent } from "./engineAgent.js";
import { optionProblem } from "./optionProblem.js";
import { startEngine } from "./startEngine.js";
import { turnBounds } from "./turnBounds.js";

/** What the engines of every workspace share. */
export interface AcpEngineOptions {
  /** The server's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This program's version. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Watches over the programs. Its maker closes it, after the engines. */
  readonly host: ProcessHost;
  /** What starts a program. Absent: it is a child process. */
  readonly startProgram?: StartAgentProgram;
  /** The files that grant permissions to the agent of a workspace. */
  granting(workspace: EngineWorkspace): GrantingPaths;
  /** What the user has allowed for good in a workspace; undefined if nothing can be. */
  always(workspace: EngineWorkspace): Promise<AlwaysAllowed | undefined>;
}

/** The command of agents that makes room in a session. */
const compact = "compact";

/** Builds the engine of a workspace. */
export function createAcpEngine(workspace: EngineWorkspace, options: AcpEngineOptions): Engine {
  return new AcpEngine(workspace, options);
}

class AcpEngine implements Engine {
  readonly #workspace: EngineWorkspace;
  readonly #options: AcpEngineOptions;
  readonly #grants = new Map<string, SessionGrants>();
  readonly #closing = new AbortController();
  #running: { readonly key: string; readonly agent: Promise<EngineAgent> } | undefined;
  /** Programs that are not used any more, until they have ended. */
  readonly #leaving = new Set<Promise<void>>();
  #commands: readonly Command[] = [];
  readonly #openQuestions: OpenQuestions;
  #always: Promise<AlwaysAllowed | undefined> | undefined;
  /** The tool servers of sessions, given by their clients. */
  readonly #servers = new Map<string, SessionServers>();

  constructor(workspace: EngineWorkspace, options: AcpEngineOptions) {
    this.#openQuestions = new OpenQuestions(options.clock);
    this.#workspace = workspace;
    this.#options = options;
  }

  async prepare(setup: EngineSetup): Promise<Turn> {
    const { engine } = this.#workspace;
    // A mistake of the configuration is told before the turn begins.
    programOf(engine, setup.config);
    // A run that was accepted for another engine may have options that this one cannot follow.
    const problem = optionProblem(engine, setup.options ?? {});
    if (problem !== undefined) {
      throw new DomainError("EngineFailed", `options.${problem.path}: ${problem.message}.`);
    }
    return {
      canGoOn: true,
      run: (request) => this.#run(setup, request),
      summarize: (request) => this.#summarize(setup, request),
      // The agent's model is asked for nothing but the turn.
      title: async (prompt) => clipCharacters(firstLine(prompt), 80, { atWord: true }) || undefined,
    };
  }

  async commands(): Promise<readonly Command[]> {
    return this.#commands;
  }

  permissionsChanged(): void {
    void this.#openQuestions.recheck();
  }

  async setSessionServers(sessionId: string, servers: SessionServers): Promise<void> {
    this.#servers.set(sessionId, servers);
  }

  async forgetSession(sessionId: string): Promise<void> {
    this.#grants.delete(sessionId);
    this.#servers.delete(sessionId);
  }

  async dispose(): Promise<void> {
    this.#closing.abort(new AgentGone("the workspace is closed"));
    this.#leave();
    await Promise.all(this.#leaving);
  }

  async #run(setup: EngineSetup, request: TurnRequest, command?: string): Promise<TurnOutcome> {
    const { engine, path: workspacePath } = this.#workspace;
    const { config, options = {}, permissions, large } = setup;
    const env = this.#environment(config);
    const { model = undefined, reasoningEffort } = large.provider === engine ? large : {};
    const gate = {
      rules: permissions.rules,
      openQuestions: this.#openQuestions,
      log: setup.log ?? this.#options.log,
      workspacePath,
      granting: this.#options.granting(this.#workspace),
      ...defined({ home: env.HOME, narrowing: options.tools }),
    };
    this.#always ??= this.#options.always(this.#workspace);
    const always = await this.#always;
    let agent: EngineAgent | undefined;
    for (const warning of warningsFor(engine, config, request)) request.sink.warn(warning);
    const outcome = await runAcpTurn(request, {
      engine,
      workspacePath,
      searchPath: env.PATH,
      limits: config.limits,
      bounds: turnBounds(options, config.limits),
      clock: this.#options.clock,
      settings: {
        isPlan: permissions.mode() === "plan",
        ...defined({ model, reasoningEffort, mode: programOf(engine, config).mode }),
      },
      servers: {
        ofConfig: config.mcpServers,
        ofSession: this.#servers.get(request.sessionId) ?? [],
      },
      instructions: options.instructions,
      ...defined({ command }),
      isPlan: () => permissions.mode() === "plan",
      leavePlan: () => permissions.leavePlan(),
      permissionsOf: (ask) =>
        createPermissionGate({
          ...gate,
          mode: permissions.mode,
          sessionGrants: this.#grantsOf(request.sessionId),
          ask,
          ...defined({ always }),
        }),
      rules: createPermissionGate({
        ...gate,
        mode: () => "allow",
        sessionGrants: new SessionGrants(),
        // A rule that only may forbid it, does not.
        ask: async () => ({ decision: "allow" }),
      }),
      agent: async (signal) => {
        agent = await untilAborted(this.#agent(config), signal);
        return agent;
      },
    });
    this.#noteCommands(agent, request);
    return outcome;
  }

  /** A command of the agent's does it, where it has one. */
  async #summarize(setup: EngineSetup, request: Omit<TurnRequest, "prompt">): Promise<TurnOutcome> {
    const prompt = { text: `/${compact}`, attachments: [] };
    return this.#run(setup, { ...request, prompt }, compact);
  }

  /** @param agent the turn's; a cancelled turn may not have come to it. */
  #noteCommands(agent: EngineAgent | undefined, { ownSession }: TurnRequest): void {
    const state = agent?.session(ownSession?.read()?.id ?? "");
    if (state !== undefined && state.commands.length > 0) this.#commands = state.commands;
  }

  /**
   * The program that runs, or a new one if it has ended or the configuration has another. The new one
   * starts once nothing of the old one is left: both would write to the same files of the agent.
   */
  async #agent(config: ResolvedConfig): Promise<EngineAgent> {
    const { engine } = this.#workspace;
    const program = programOf(engine, config);
    const env = { ...this.#environment(config), ...program.env };
    const key = JSON.stringify([program.command, env]);
    const current = this.#running;
    const agent = await current?.agent.catch(() => undefined);
    // A program that other turns use stays as it is until they have ended.
    const isUsable = agent?.isUsable === true && (agent.isBusy || current?.key === key);
    if (agent !== undefined && isUsable) return agent;
    this.#closing.signal.throwIfAborted();
    // Of two turns that come here together, the first starts it.
    if (this.#running === current) this.#leave();
    this.#running ??= { key, agent: this.#start(program, env) };
    return this.#running.agent;
  }

  #start(program: EngineProgram, env: Readonly<Record<string, string>>): Promise<EngineAgent> {
    const { version, clock, log, host, startProgram } = this.#options;
    const { signal } = this.#closing;
    const { path: workspacePath } = this.#workspace;
    const start = { env, workspacePath, version, clock, log, host, startProgram, signal };
    // How the old one ended is told by whoever let it end.
    const agent = Promise.allSettled(this.#leaving).then(() => {
      signal.throwIfAborted();
      return startEngine(program, start);
    });
    agent.catch((error: unknown) => {
      log.warn(
        { engine: this.#workspace.engine, reason: messageOf(error) },
        "an engine did not start",
      );
      if (this.#running?.agent === agent) this.#running = undefined;
    });
    return agent;
  }

  /** Lets the present program end; the next turn starts another one. */
  #leave(): void {
    const leaving = this.#running?.agent;
    this.#running = undefined;
    if (leaving === undefined) return;
    const ended = leaving.then(
      (agent) => agent.end(),
      // It never started.
      () => {},
    );
    this.#leaving.add(ended);
    ended
      .catch((error: unknown) => {
        this.#options.log.error({ reason: messageOf(error) }, "an engine did not end cleanly");
      })
      .finally(() => this.#leaving.delete(ended));
  }

  #environment(config: ResolvedConfig): Readonly<Record<string, string>> {
    return toolEnvironment(this.#options.env, config.secretVariables, this.#workspace.env);
  }

  #grantsOf(sessionId: string): SessionGrants {
    const known = this.#grants.get(sessionId) ?? new SessionGrants();
    this.#grants.set(sessionId, known);
    return known;
  }
}

/** What of the configuration and of the client the engine does not heed. */
function warningsFor(
  engine: string,
  { limits }: ResolvedConfig,
  { clientTools }: Pick<TurnRequest, "clientTools">,
): readonly string[] {
  const hasTools = (clientTools?.tools.length ?? 0) > 0;
  return [
    ...(hasTools ? [`The engine ${engine} is not offered the tools of the client.`] : []),
    ...(limits.maxTokens === undefined
      ? []
      : [`limits.maxTokens is not kept: the engine ${engine} does not tell of its model calls.`]),
  ];
}

/** @throws DomainError `EngineFailed` if the configuration no longer has the engine. */
function programOf(engine: string, { engines }: ResolvedConfig): EngineProgram {
  const program = Object.hasOwn(engines, engine) ? engines[engine] : undefined;
  if (program !== undefined) return program;
  throw new DomainError(
    "EngineFailed",
    `The user's configuration no longer has the engine ${engine}.`,
  );
}

function firstLine(prompt: string): string {
  return prompt.slice(0, 1_000).trim().split("\n", 1)[0]?.trim() ?? "";
}
