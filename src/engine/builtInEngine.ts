// The built-in engine of one workspace: its models, tools and permissions, put together for a turn.

import { join } from "node:path";
import { summarize } from "../agent/summarize.js";
import { generateTitle } from "../agent/title.js";
import { type Clock, localDay } from "../base/clock.js";
import { Closing } from "../base/closing.js";
import { outputsFolder } from "../base/dataFiles.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import { loginsPath } from "../config/paths.js";
import type { ResolvedConfig } from "../config/types.js";
import { ToolServers } from "../mcp/toolServers.js";
import { createPermissionGate, OpenQuestions, SessionGrants } from "../permissions/index.js";
import type { Permissions } from "../permissions/types.js";
import type { ProcessHost } from "../process/processHost.js";
import { hostCommands } from "../process/runCommand.js";
import type { SandboxInfo } from "../protocol/objects/model.js";
import type { SessionServers } from "../protocol/objects/sessionServer.js";
import { createTools, ToolResources, toolEnvironment } from "../tools/index.js";
import type { Tool } from "../tools/tool.js";
import { alwaysAllowedIn } from "./alwaysAllowedIn.js";
import { builtInCommands, isCompact } from "./builtInCommands.js";
import { warningsFor } from "./configWarnings.js";
import { WorkspaceConfinement } from "./confinement.js";
import type { Engine, Turn, TurnRequest } from "./engine.js";
import { readGitState } from "./gitState.js";
import { grantingPaths } from "./grantingPaths.js";
import { OutputCheck } from "./output/checkOutput.js";
import type { Preparation } from "./preparation.js";
import { runPrepared } from "./preparedTurn.js";
import { RecentGitState } from "./recentGitState.js";
import type { EngineSetup, EngineWorkspace } from "./setup.js";
import { inStableOrder } from "./systemPrompt.js";
import { builtInToolInfos, toolInfos } from "./toolInfos.js";
import { turnModel } from "./turnModel.js";
import { GitGuard } from "./untrustedGit.js";
import { ruledBy, WorkspaceInstructions } from "./workspaceInstructions.js";

/** What the built-in engines of every workspace share. */
export interface BuiltInEngineOptions {
  readonly dataDirectory: string;
  /** The server's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This program's version. */
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Watches over the commands of all workspaces. Its maker closes it, after the engines. */
  readonly host: ProcessHost;
}

/** Builds the engine of a workspace. */
export function createBuiltInEngine(
  workspace: EngineWorkspace,
  options: BuiltInEngineOptions,
): Engine {
  return new BuiltInEngine(workspace, options);
}

class BuiltInEngine implements Engine {
  readonly #workspace: EngineWorkspace;
  readonly #options: BuiltInEngineOptions;
  readonly #resources: ToolResources;
  readonly #tools: readonly Tool[];
  readonly #servers: ToolServers;
  readonly #confinement: WorkspaceConfinement;
  readonly #git: RecentGitState;
  readonly #instructions: WorkspaceInstructions;
  readonly #output: OutputCheck;
  #lastEnvironment:
    | { readonly config: ResolvedConfig; readonly env: Readonly<Record<string, string>> }
    | undefined;
  readonly #closing = new AbortController();
  readonly #grants = new Map<string, SessionGrants>();
  readonly #openQuestions: OpenQuestions;
  readonly #always: ReturnType<typeof alwaysAllowedIn>;
  readonly #granting: ReturnType<typeof grantingPaths>;

  constructor(workspace: EngineWorkspace, options: BuiltInEngineOptions) {
    const { clock, ids, log, host, version, dataDirectory } = options;
    const { path: workspacePath } = workspace;
    const shared = { clock, ids, log, host };
    this.#workspace = workspace;
    this.#git = new RecentGitState(workspacePath, clock);
    this.#instructions = new WorkspaceInstructions(workspace, options.env, log);
    this.#options = options;
    this.#openQuestions = new OpenQuestions(clock);
    this.#always = alwaysAllowedIn(workspace, options);
    this.#granting = grantingPaths(workspacePath, dataDirectory, options.env, workspace.env);
    this.#output = new OutputCheck(host.work);
    const outputDirectory = join(dataDirectory, outputsFolder, workspace.id);
    const gitGuard = new GitGuard(workspace, { host, clock });
    this.#resources = new ToolResources({
      ...shared,
      outputDirectory,
      guard: (env, signal) => gitGuard.variables(env, signal),
    });
    this.#confinement = new WorkspaceConfinement(workspacePath, dataDirectory, {
      ...options.env,
      ...workspace.env,
    });
    this.#tools = createTools({ resources: this.#resources });
    const ownTools = this.#tools.length + 1; // With `task`, made for each turn.
    const loginsFile = loginsPath(options.env);
    this.#servers = new ToolServers({ ...shared, workspacePath, version, ownTools, loginsFile });
  }

  async prepare(setup: EngineSetup, starting: AbortSignal): Promise<Turn> {
    const { clock, ids } = this.#options;
    const { log = this.#options.log } = setup;
    const prepared = await this.#prepare(setup, starting);
    const { summaryModel: model, config } = prepared;
    const summary = ({ history, signal, sink }: Omit<TurnRequest, "prompt">) =>
      summarize({ model, limits: config.limits, history, signal }, { sink, clock, ids, log });
    return {
      canGoOn: true,
      run: (request) =>
        isCompact(request.prompt.text)
          ? summary(request)
          : runPrepared(prepared, request, {
              clock,
              ids,
              log,
              workspacePath: this.#workspace.path,
              resources: this.#resources,
              servers: this.#servers,
              instructions: this.#instructions,
              output: this.#output,
              permissionsOf: (asking) => this.#permissions(prepared, asking, log),
            }),
      summarize: summary,
      title: (text, sink, titleSignal) =>
        generateTitle(turnModel(setup, setup.small, clock), text, titleSignal, {
          sink,
          clock,
          ids,
          log,
        }),
    };
  }

  /** Loads the model's package and asks git, so that the first turn finds both. */
  warmUp(setup: EngineSetup): void {
    const { clock, log } = this.#options;
    const warm = () =>
      Promise.all([
        turnModel(setup, setup.large, clock).load(),
        this.#gitState(this.#toolEnvironment(setup.config), this.#closing.signal),
      ]);
    warm().catch((error: unknown) => {
      // The turn that needs the model fails with the reason.
      log.debug({ reason: messageOf(error) }, "the engine could not be warmed up");
    });
  }

  sandbox(config: ResolvedConfig): Promise<SandboxInfo> {
    return this.#confinement.info(config);
  }

  outputProblem(schema: object, signal: AbortSignal): Promise<string | undefined> {
    return this.#output.problemOf(schema, signal);
  }

  permissionsChanged(): void {
    void this.#openQuestions.recheck();
  }

  async setSessionServers(sessionId: string, servers: SessionServers): Promise<void> {
    await this.#servers.setSession(sessionId, servers);
  }

  async commands(...[config, ...asked]: Parameters<NonNullable<Engine["commands"]>>) {
    await this.#reconcile(config);
    const skills = await this.#instructions.commands(config);
    return [...builtInCommands, ...skills, ...(await this.#servers.commands(...asked))];
  }

  async tools(...[config, ...asked]: Parameters<NonNullable<Engine["tools"]>>) {
    await this.#reconcile(config);
    const ofServers = inStableOrder(await this.#servers.tools(...asked));
    return [...builtInToolInfos(this.#tools), ...toolInfos(ofServers, "mcp")];
  }

  async forgetSession(sessionId: string): Promise<void> {
    this.#grants.delete(sessionId);
    await Promise.all([
      this.#resources.forgetSession(sessionId),
      this.#servers.setSession(sessionId, []),
    ]);
  }

  async dispose(): Promise<void> {
    const closing = new Closing();
    closing.add(() => this.#resources.dispose());
    closing.add(() => this.#servers.dispose());
    closing.add(() => this.#git.close());
    closing.add(() => this.#closing.abort(new Error("the workspace is closed")));
    await closing.close();
  }

  async #prepare(setup: EngineSetup, signal: AbortSignal): Promise<Preparation> {
    const { config } = setup;
    const env = await this.#reconcile(config);
    const [instructions, git, serverTools] = await Promise.all([
      this.#instructions.now(ruledBy(config, setup.options)),
      this.#gitState(env, signal),
      this.#servers.tools(signal, setup.sessionId, setup.log),
    ]);
    return {
      config,
      permissions: setup.permissions,
      ...defined({ options: setup.options }),
      env,
      warnings: [
        ...warningsFor(setup),
        ...instructions.warnings,
        ...this.#servers.warningsFor(setup.sessionId),
      ],
      tools: [...this.#tools, ...inStableOrder(serverTools)],
      large: turnModel(setup, setup.large, this.#options.clock),
      summaryModel: turnModel(setup, setup[config.summaryModel], this.#options.clock),
      state: {
        date: localDay(this.#options.clock.now()),
        git,
        ...instructions.state,
      },
      skills: instructions.skills,
    };
  }

  /** Brings running servers in line with the configuration, and returns the tools' environment. */
  async #reconcile(config: ResolvedConfig): Promise<Readonly<Record<string, string>>> {
    const env = this.#toolEnvironment(config);
    const confinement = await this.#confinement.of(config);
    this.#resources.confinement = confinement;
    this.#servers.reconcile(config.mcpServers, env, confinement);
    return env;
  }

  #toolEnvironment(config: ResolvedConfig): Readonly<Record<string, string>> {
    if (this.#lastEnvironment?.config !== config) {
      const { env } = this.#options;
      this.#lastEnvironment = {
        config,
        env: toolEnvironment(env, config.secretVariables, this.#workspace.env),
      };
    }
    return this.#lastEnvironment.env;
  }

  #gitState(env: Readonly<Record<string, string>>, signal: AbortSignal) {
    const { path: workspacePath } = this.#workspace;
    const { clock, host } = this.#options;
    return this.#git.read((asking) => {
      const run = hostCommands({ env, workspacePath, host });
      return readGitState(workspacePath, { run, env, clock }, asking);
    }, signal);
  }

  #permissions({ permissions, options }: Preparation, request: TurnRequest, log: Log): Permissions {
    const { mode, rules } = permissions;
    return createPermissionGate({
      mode,
      rules,
      sessionGrants: this.#grantsOf(request.sessionId),
      openQuestions: this.#openQuestions,
      ...defined(this.#instructions.ruledFolders),
      granting: this.#granting,
      ask: (...question) => request.ask(...question),
      log,
      ...defined({ narrowing: options?.tools, always: this.#always }),
    });
  }

  #grantsOf(sessionId: string): SessionGrants {
    const known = this.#grants.get(sessionId) ?? new SessionGrants();
    this.#grants.set(sessionId, known);
    return known;
  }
}
