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
import { runAcpTurn } from "./acpTurn.js";
import { AgentGone } from "./agentErrors.js";
import { EngineAgent } from "./engineAgent.js";

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
  /** The files that grant permissions to the agent of a workspace. */
  granting(workspace: EngineWorkspace): GrantingPaths;
  /** What the user has allowed for good in a workspace; undefined if nothing can be. */
  always(workspace: EngineWorkspace): Promise<AlwaysAllowed | undefined>;
}

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

  constructor(workspace: EngineWorkspace, options: AcpEngineOptions) {
    this.#openQuestions = new OpenQuestions(options.clock);
    this.#workspace = workspace;
    this.#options = options;
  }

  async prepare(setup: EngineSetup): Promise<Turn> {
    const { engine } = this.#workspace;
    // A mistake of the configuration is told before the turn begins.
    programOf(engine, setup.config);
    if (setup.options?.model !== undefined) {
      const message = `A run of the engine ${engine} has no model of its own; choose one with setModel, with the provider ${engine}.`;
      throw new DomainError("ModelNotConfigured", message);
    }
    return {
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

  async outputProblem(): Promise<string> {
    return `the engine ${this.#workspace.engine} cannot be asked for a value`;
  }

  async forgetSession(sessionId: string): Promise<void> {
    this.#grants.delete(sessionId);
  }

  async dispose(): Promise<void> {
    this.#closing.abort(new AgentGone("the workspace is closed"));
    this.#leave();
    await Promise.all(this.#leaving);
  }

  async #run(setup: EngineSetup, request: TurnRequest): Promise<TurnOutcome> {
    const { engine, path: workspacePath } = this.#workspace;
    const { config, options = {}, permissions } = setup;
    const env = this.#environment(config);
    this.#always ??= this.#options.always(this.#workspace);
    const always = await this.#always;
    const own = setup.large.provider === engine ? setup.large.model : undefined;
    const outcome = await runAcpTurn(request, {
      engine,
      workspacePath,
      searchPath: env.PATH,
      limits: config.limits,
      clock: this.#options.clock,
      settings: { isPlan: permissions.mode() === "plan", ...defined({ model: own }) },
      permissions: createPermissionGate({
        mode: permissions.mode,
        rules: permissions.rules,
        sessionGrants: this.#grantsOf(request.sessionId),
        ask: (question, asking) => request.ask(question, asking),
        openQuestions: this.#openQuestions,
        log: this.#options.log,
        workspacePath,
        granting: this.#options.granting(this.#workspace),
        ...defined({ home: env.HOME, narrowing: options.tools, always }),
      }),
      agent: (signal) => untilAborted(this.#agent(config), signal),
    });
    await this.#noteCommands(request);
    return outcome;
  }

  /** A command of the agent's does it, where it has one. */
  async #summarize(setup: EngineSetup, request: Omit<TurnRequest, "prompt">): Promise<TurnOutcome> {
    if (this.#commands.some(({ name }) => name === "compact")) {
      return this.#run(setup, { ...request, prompt: { text: "/compact", attachments: [] } });
    }
    const { engine } = this.#workspace;
    const error = `The engine ${engine} has no command with which its session could be summarised; it sees to that itself.`;
    return { status: "failed", text: "", error, errorName: "EngineFailed", cause: "internal" };
  }

  async #noteCommands({ ownSession }: TurnRequest): Promise<void> {
    const agent = await this.#running?.agent.catch(() => undefined);
    const state = agent?.session(ownSession?.read()?.id ?? "");
    if (state !== undefined && state.commands.length > 0) this.#commands = state.commands;
  }

  /** The program that runs, or a new one if it has ended or the configuration has another. */
  async #agent(config: ResolvedConfig): Promise<EngineAgent> {
    const { engine } = this.#workspace;
    const program = programOf(engine, config);
    const env = { ...this.#environment(config), ...program.env };
    const key = JSON.stringify([program.command, env]);
    const current = this.#running;
    const agent = await current?.agent.catch(() => undefined);
    // A program that other turns use stays as it is until they have ended.
    const isUsable = agent?.isGone === false && (agent.isBusy || current?.key === key);
    if (agent !== undefined && isUsable) return agent;
    this.#closing.signal.throwIfAborted();
    // Of two turns that come here together, the first starts it.
    if (this.#running === current) this.#leave();
    this.#running ??= { key, agent: this.#start(program, env) };
    return this.#running.agent;
  }

  #start(program: EngineProgram, env: Readonly<Record<string, string>>): Promise<EngineAgent> {
    const { version, clock, log, host } = this.#options;
    const agent = startEngine(program, {
      env,
      workspacePath: this.#workspace.path,
      version,
      clock,
      log,
      host,
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

/** What starting an engine's program needs. */
interface StartEngineOptions extends Pick<AcpEngineOptions, "version" | "clock" | "log" | "host"> {
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly workspacePath: string;
}

/**
 * Starts the program of an engine and asks what it can. The caller ends it.
 *
 * @throws AgentGone if it cannot be started or ends at once; AgentRefused if it refuses.
 */
function startEngine(
  program: EngineProgram,
  { version, ...options }: StartEngineOptions,
): Promise<EngineAgent> {
  const secrets = Object.values(program.env).filter((value) => value.length >= 8);
  const clientInfo = { name: "turnwire", version };
  return EngineAgent.start({ ...options, command: program.command, secrets }, clientInfo);
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
