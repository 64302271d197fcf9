/** The options of `turnwire daemon` on the command line (protocol.md section 11). */
import { type Command, Option } from "commander";
import { defined } from "../base/defined.js";
import {
  type DaemonAction,
  type DaemonCommandOptions,
  defaultIdleSeconds,
} from "./daemonOptions.js";
import { tellUnknownCommands } from "./defaultCommand.js";
import { nonEmpty, positiveInteger, seconds } from "./optionValues.js";
import { defaultServeOptions, logLevels } from "./serveOptions.js";

interface ServeFlags {
  dataDir?: string;
  idle: number;
  linger: number;
  logLevel: string;
  logFile?: string;
  maxMessageBytes: number;
  inspect?: true;
}

/** Adds the command. */
export function addDaemon(
  program: Command,
  act: (options: DaemonCommandOptions) => Promise<void>,
  { writeError }: { writeError(text: string): void },
): void {
  const daemon = program
    .command("daemon")
    .description("serve many clients on a socket of the data directory");
  const { lingerSeconds, maxMessageBytes, logLevel, framing: _, ...rest } = defaultServeOptions;
  const defaults = {
    ...rest,
    lingerSeconds,
    maxMessageBytes,
    logLevel,
    idleSeconds: defaultIdleSeconds,
  };
  const addServing = (action: DaemonAction, description: string, isDefault: boolean) =>
    daemon
      .command(action, { isDefault })
      .description(description)
      .configureOutput({ writeOut: writeError })
      .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty)
      .option(
        "--idle <seconds>",
        "end after so long without use; 0: never",
        seconds,
        defaultIdleSeconds,
      )
      .addOption(new Option("--log-level <level>").choices(logLevels).default(logLevel))
      .option("--log-file <file>", "write the log there and not to stderr", nonEmpty)
      .option("--linger <seconds>", "let turns go on when it is stopped", seconds, lingerSeconds)
      .option("--max-message-bytes <n>", "skip longer messages", positiveInteger, maxMessageBytes)
      .option("--inspect", "let `turnwire inspect` look into it")
      .action(({ idle, linger, ...options }: ServeFlags) =>
        act({ action, ...options, idleSeconds: idle, lingerSeconds: linger }),
      );
  const add = (action: DaemonAction, description: string) =>
    daemon
      .command(action)
      .description(description)
      .option("--data-dir <dir>", "whose daemon", nonEmpty)
      .action(({ dataDir, json }: { dataDir?: string; json?: true }) =>
        act({ ...defaults, action, ...defined({ dataDir, json }) }),
      );
  tellUnknownCommands(addServing("serve", "serve in the foreground", true));
  addServing(
    "start",
    "start it in the background, unless one of this version serves already",
    false,
  );
  add("stop", "end it; its running turns are cancelled");
  add("status", "say whether one serves, and what it does; exit code 3 if none does").option(
    "--json",
    "for programs: one JSON object",
  );
}
