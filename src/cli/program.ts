/**
 * The command line: its commands and options, and what is a mistake (protocol.md section 11). It
 * does nothing itself: its caller provides an action for every command. Help goes to stdout,
 * mistakes go to stderr with exit code 2, and nothing but frames ever goes to a server's stdout.
 */

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { defined } from "../base/defined.js";
import type { McpCommandOptions } from "./mcpCommand.js";
import { exitCodes, outputFormats, type RunCommandOptions } from "./runOptions.js";
import {
  defaultServeOptions,
  framings,
  logLevels,
  positiveIntegerOf,
  type ServeOptions,
  secondsOf,
} from "./serveOptions.js";

/** What each command does; each resolves with the exit code. */
export interface ProgramActions {
  serve(options: ServeOptions): Promise<number>;
  run(options: RunCommandOptions): Promise<number>;
  schema(): Promise<number>;
  doctor(options: DoctorCommandOptions): Promise<number>;
  mcp(options: McpCommandOptions): Promise<number>;
}

export interface DoctorCommandOptions {
  readonly dataDir?: string;
  /** The folder to look at; by default the process's own. */
  readonly cwd?: string;
  /** Rebuild a damaged database. */
  readonly repair?: true;
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
      const program = describeProgram(io, {
        serve: async (options) => {
          exitCode = await actions.serve(options);
        },
        run: async (options) => {
          exitCode = await actions.run(options);
        },
        schema: async () => {
          exitCode = await actions.schema();
        },
        doctor: async (options) => {
          exitCode = await actions.doctor(options);
        },
        mcp: async (options) => {
          exitCode = await actions.mcp(options);
        },
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

function describeProgram(io: ProgramIo, actions: Reported): Command {
  const program = new Command("turnwire")
    .description("Runs a coding agent for whoever speaks JSON-RPC 2.0 to it over stdio.")
    .version(io.version)
    .configureOutput({ writeOut: io.writeOut, writeErr: io.writeError })
    .exitOverride()
    .showHelpAfterError("(add --help for what can be asked for)")
    .addHelpText("after", "\nWith stdin not a terminal, `turnwire` alone is `turnwire serve`.");
  addServe(program, actions, io);
  addRun(program, actions);
  program
    .command("schema")
    .description("print the protocol as JSON Schema")
    .action(() => actions.schema());
  program
    .command("doctor")
    .description("say what a server would find: versions, data directory, configuration, keys")
    .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty)
    .option("--cwd <dir>", "the folder to look at", nonEmpty)
    .option("--repair", "rebuild a damaged database, with a copy made first")
    .action((options: DoctorCommandOptions) => actions.doctor(options));
  addMcp(program, actions);
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

function addServe(program: Command, actions: Reported, io: ProgramIo): void {
  const { lingerSeconds, maxMessageBytes, framing, logLevel } = defaultServeOptions;
  program
    .command("serve")
    .description("serve one client over stdin and stdout")
    .configureOutput({ writeOut: io.writeError })
    .option("--stdio", "the only transport; accepted for editors that pass it")
    .addOption(
      new Option("--framing <kind>", "how messages are set apart")
        .choices(framings)
        .default(framing),
    )
    .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty)
    .addOption(new Option("--log-level <level>").choices(logLevels).default(logLevel))
    .option("--log-file <file>", "write the log there and not to stderr", nonEmpty)
    .option("--linger <seconds>", "let turns go on after the client left", seconds, lingerSeconds)
    .option("--max-message-bytes <n>", "skip longer messages", positiveInteger, maxMessageBytes)
    .action(({ stdio: _, linger, ...options }: ServeFlags) =>
      actions.serve({ ...options, lingerSeconds: linger }),
    );
}

type ServeFlags = Omit<ServeOptions, "lingerSeconds"> & { stdio?: true; linger: number };

function addRun(program: Command, actions: Reported): void {
  program
    .command("run")
    .description("run one prompt and print the reply")
    .argument(
      "<prompt...>",
      "what to do; `-` reads it from stdin, and `--` comes before one that begins with `-`",
    )
    .option("--cwd <dir>", "the folder to work in", nonEmpty)
    .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty)
    .addOption(
      new Option("--session <id>", "go on with this session")
        .argParser(nonEmpty)
        .conflicts("continue"),
    )
    .option("--continue", "go on with the folder's latest session")
    .option("--model <provider/model>", "the model to use", modelChoice)
    .addOption(
      new Option("--permission-mode <mode>", "what to do with tools that could do harm").choices([
        "ask",
        "acceptEdits",
        "allow",
        "deny",
        "plan",
      ]),
    )
    .option("--effort <effort>", "how much the model should reason, e.g. low or high", nonEmpty)
    .option("--allow <rule>", "allow nothing but what such rules match; may be repeated", listed)
    .option("--deny <rule>", "deny what the rule matches; may be repeated", listed)
    .option("--instructions <text>", "text behind the system prompt", nonEmpty)
    .option("--output-schema <file>", "end with a value that fits this JSON Schema", nonEmpty)
    .option("--max-steps <n>", "end the run after so many model calls", positiveInteger)
    .option("--max-cost <dollars>", "end the run once it has cost so much", positiveDollars)
    .addOption(
      new Option("--output <format>", "what goes to stdout").choices(outputFormats).default("text"),
    )
    .option("--timeout <seconds>", "cancel the run after so long", positiveSeconds)
    .action((words: string[], { continue: continueLatest, timeout, ...options }: RunFlags) =>
      actions.run({
        prompt: words.join(" "),
        ...options,
        ...defined({ continueLatest, timeoutSeconds: timeout }),
      }),
    );
}

type RunFlags = Omit<RunCommandOptions, "prompt" | "continueLatest" | "timeoutSeconds"> & {
  continue?: true;
  timeout?: number;
};

function nonEmpty(text: string): string {
  if (text === "") throw new InvalidArgumentError("It is empty.");
  return text;
}

/** What is given several times becomes a list. */
function listed(text: string, before: string[] = []): string[] {
  return [...before, nonEmpty(text)];
}

function positiveDollars(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be an amount of US dollars over 0.");
}

function seconds(text: string): number {
  const value = secondsOf(text);
  if (value === undefined) {
    throw new InvalidArgumentError("It must be a number of seconds, 0 or more.");
  }
  return value;
}

function positiveSeconds(text: string): number {
  const value = seconds(text);
  if (value === 0) throw new InvalidArgumentError("It must be more than 0 seconds.");
  return value;
}

function positiveInteger(text: string): number {
  const value = positiveIntegerOf(text);
  if (value === undefined) {
    throw new InvalidArgumentError("It must be a whole number over 0.");
  }
  return value;
}

function modelChoice(text: string): { provider: string; model: string } {
  const slash = text.indexOf("/");
  const provider = text.slice(0, slash);
  const model = text.slice(slash + 1);
  if (slash === -1 || provider === "" || model === "") {
    throw new InvalidArgumentError("It must be PROVIDER/MODEL, e.g. local/qwen3-coder.");
  }
  return { provider, model };
}
