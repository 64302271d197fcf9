/**
 * The command line: its commands and options, and what is a mistake (protocol.md section 11). It
 * does nothing itself: its caller provides an action for every command. Help goes to stdout,
 * mistakes go to stderr with exit code 2, and nothing but frames ever goes to a server's stdout.
 */

import { Argument, Command, CommanderError, Option } from "commander";
import type { ConformanceOptions } from "../conformance/command.js";
import { type AcpOptions, addAcp } from "./acpOptions.js";
import type { AttachOptions } from "./attachOptions.js";
import { type CompletionOptions, type Shell, shells } from "./completionOptions.js";
import type { ConfigCommandOptions } from "./configCommand.js";
import { addConformance } from "./conformanceFlags.js";
import { addDaemon } from "./daemonFlags.js";
import type { DaemonCommandOptions } from "./daemonOptions.js";
import { tellUnknownCommands } from "./defaultCommand.js";
import { addInspect } from "./inspectFlags.js";
import type { InspectOptions } from "./inspectOptions.js";
import type { McpCommandOptions } from "./mcpCommand.js";
import type { ModelsCommandOptions } from "./modelsCommand.js";
import { nonEmpty } from "./optionValues.js";
import type { PermissionsCommandOptions } from "./permissionsCommand.js";
import { addPermissions } from "./permissionsFlags.js";
import { addRelay } from "./relayFlags.js";
import type { RelayCommandOptions } from "./relayOptions.js";
import { addRun } from "./runFlags.js";
import { exitCodes, type RunCommandOptions } from "./runOptions.js";
import { addRuns } from "./runsFlags.js";
import type { RunsCommandOptions } from "./runsOptions.js";
import { addServe } from "./serveFlags.js";
import { defaultServeOptions, type ServeOptions } from "./serveOptions.js";
import type { SessionsCommandOptions } from "./sessionsCommandOptions.js";
import { addSessions } from "./sessionsFlags.js";
import { addWorker } from "./workerFlags.js";
import type { WorkerCommandOptions } from "./workerOptions.js";

/** What each command does; each resolves with the exit code. */
export interface ProgramActions {
  serve(options: ServeOptions): Promise<number>;
  attach(options: AttachOptions): Promise<number>;
  daemon(options: DaemonCommandOptions): Promise<number>;
  acp(options: AcpOptions): Promise<number>;
  run(options: RunCommandOptions): Promise<number>;
  runs(options: RunsCommandOptions): Promise<number>;
  schema(): Promise<number>;
  doctor(options: DoctorCommandOptions): Promise<number>;
  mcp(options: McpCommandOptions): Promise<number>;
  sessions(options: SessionsCommandOptions): Promise<number>;
  models(options: ModelsCommandOptions): Promise<number>;
  config(options: ConfigCommandOptions): Promise<number>;
  permissions(options: PermissionsCommandOptions): Promise<number>;
  completion(options: CompletionOptions): Promise<number>;
  conformance(options: ConformanceOptions): Promise<number>;
  relay(options: RelayCommandOptions): Promise<number>;
  worker(options: WorkerCommandOptions): Promise<number>;
  inspect(options: InspectOptions): Promise<number>;
}

export interface DoctorCommandOptions {
  readonly dataDir?: string;
  /** The folder to look at; by default the process's own. */
  readonly cwd?: string;
  /** Rebuild a damaged database. */
  readonly repair?: true;
  /** Ask the models and the tool servers. */
  readonly probe?: true;
  readonly json?: true;
}

export interface ProgramIo {
  readonly version: string;
  readonly isStdinTty: boolean;
  writeOut(text: string): void;
  writeError(text: string): void;
}

export interface Program {
  /**
   * Runs the command in the arguments (without Node and the script); resolves with the exit code.
   */
  run(argv: readonly string[]): Promise<number>;
}

/** Makes the program. It rejects only if an action rejects. */
export function createProgram(actions: ProgramActions, io: ProgramIo): Program {
  return {
    async run(argv) {
      let exitCode: number = exitCodes.succeeded;
      const reported =
        <A extends unknown[]>(action: (...args: A) => Promise<number>) =>
        async (...args: A) => {
          exitCode = await action(...args);
        };
      const program = describeProgram(argv, io, {
        serve: reported(actions.serve),
        attach: reported(actions.attach),
        daemon: reported(actions.daemon),
        acp: reported(actions.acp),
        run: reported(actions.run),
        runs: reported(actions.runs),
        schema: reported(actions.schema),
        doctor: reported(actions.doctor),
        mcp: reported(actions.mcp),
        sessions: reported(actions.sessions),
        models: reported(actions.models),
        config: reported(actions.config),
        permissions: reported(actions.permissions),
        completion: reported(actions.completion),
        conformance: reported(actions.conformance),
        relay: reported(actions.relay),
        worker: reported(actions.worker),
        inspect: reported(actions.inspect),
      });
      if (argv.length === 0) {
        if (!io.isStdinTty) return await actions.serve(defaultServeOptions);
        program.outputHelp();
        return exitCodes.succeeded;
      }
      try {
        await program.parseAsync([...argv], { from: "user" });
        return exitCode;
      } catch (error) {
        if (!(error instanceof CommanderError)) throw error;
        return error.exitCode === 0 ? exitCodes.succeeded : exitCodes.usage;
      }
    },
  };
}

/** The actions with their exit codes taken care of. */
type Reported = {
  [A in keyof ProgramActions]: (...args: Parameters<ProgramActions[A]>) => Promise<void>;
};

function describeProgram(argv: readonly string[], io: ProgramIo, actions: Reported): Command {
  const program = new Command("turnwire")
    .description("Runs a coding agent for whoever speaks JSON-RPC 2.0 to it over stdio.")
    .version(io.version)
    .configureOutput({ writeOut: io.writeOut, writeErr: io.writeError })
    .exitOverride()
    .showHelpAfterError("(add --help for what can be asked for)")
    .addHelpText("after", "\nWith stdin not a terminal, `turnwire` alone is `turnwire serve`.");
  addServe(program, actions, io);
  addDaemon(program, actions.daemon, io);
  addAcp(program, actions.acp, io);
  addRun(program, actions.run);
  addRuns(program, actions.runs);
  program
    .command("schema")
    .description("print the protocol as JSON Schema")
    .action(() => actions.schema());
  program
    .command("doctor")
    .description("say what a server would find: versions, data directory, configuration, keys")
    .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty)
    .option("--cwd <dir>", "the folder to look at", nonEmpty)
    .option("--probe", "ask the models, tool servers and engines too: this costs a few tokens")
    .option("--json", "for programs: one JSON object")
    .addOption(
      new Option("--repair", "rebuild a damaged database, with a copy made first").conflicts([
        "probe",
        "json",
      ]),
    )
    .action((options: DoctorCommandOptions) => actions.doctor(options));
  addMcp(program, actions);
  addSessions(program, actions.sessions);
  addConfiguration(program, actions);
  addPermissions(program, actions.permissions);
  addConformance(program, actions.conformance);
  addRelay(program, actions.relay);
  addWorker(program, actions.worker);
  addInspect(program, argv, actions.inspect);
  program
    .command("completion")
    .description("print a script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(shells))
    .action((shell: Shell) => actions.completion({ shell, program }));
  return program;
}

function addMcp(program: Command, actions: Reported): void {
  const mcp = program.command("mcp").description("log in to tool servers (MCP) over HTTP");
  mcp
    .command("login")
    .description("log in to a server of the user's configuration, with a browser")
    .argument("<server>", "its name, or the URL of another one", nonEmpty)
    .option("--no-browser", "only print the address to open")
    .action((server: string, { browser }: { browser: boolean }) =>
      actions.mcp({ action: "login", server, browser }),
    );
  mcp
    .command("list")
    .description("say which servers there are, and where there is a login")
    .action(() => actions.mcp({ action: "list" }));
  mcp
    .command("logout")
    .description("forget a login")
    .argument("<server>", "its name, or its URL", nonEmpty)
    .action((server: string) => actions.mcp({ action: "logout", server }));
}

/** What tells of the configuration without a server. */
function addConfiguration(program: Command, actions: Reported): void {
  program
    .command("models")
    .description("say which providers and models are configured, and which have a key")
    .option("--cwd <dir>", "the folder whose turnwire.json counts", nonEmpty)
    .option("--trust", "let that file name providers and models of its own")
    .option("--json", "for programs: one JSON object")
    .action((options: ModelsCommandOptions) => actions.models(options));
  const config = program.command("config").description("say which configuration counts");
  const add = (action: ConfigCommandOptions["action"], description: string, isDefault: boolean) =>
    config
      .command(action, { isDefault })
      .description(description)
      .option("--cwd <dir>", "the folder whose turnwire.json counts", nonEmpty)
      .option("--trust", "let that file set what can run code")
      .option("--json", "for programs: one JSON object")
      .action((options: Omit<ConfigCommandOptions, "action">) =>
        actions.config({ action, ...options }),
      );
  tellUnknownCommands(add("path", "say which files count; a later one wins", true));
  add("check", "check these files: file, line and field of each error", false);
}
