/** The options of `turnwire serve` on the command line (protocol.md section 11). */
import { type Command, Option } from "commander";
import { defined } from "../base/defined.js";
import type { AttachOptions } from "./attachOptions.js";
import { nonEmpty, positiveInteger, seconds } from "./optionValues.js";
import { defaultServeOptions, framings, logLevels, type ServeOptions } from "./serveOptions.js";

type ServeFlags = Omit<ServeOptions, "lingerSeconds"> & {
  stdio?: true;
  linger: number;
  attach?: true;
  start?: true;
};

/** What the command does. */
interface Actions {
  serve(options: ServeOptions): Promise<void>;
  attach(options: AttachOptions): Promise<void>;
}

/** The options that go with `--attach`. */
const ofAttach = new Set(["attach", "start", "stdio", "dataDir"]);

/** Adds the command. */
export function addServe(
  program: Command,
  actions: Actions,
  { writeError }: { writeError(text: string): void },
): void {
  const { lingerSeconds, maxMessageBytes, framing, logLevel } = defaultServeOptions;
  const command = program.command("serve").description("serve one client over stdin and stdout");
  command
    .configureOutput({ writeOut: writeError })
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
    .option("--inspect", "let `turnwire inspect` look into it")
    .option(
      "--resume",
      "open workspaces by itself to go on with their runs, if a client allowed it",
    )
    .option("--attach", "be a pipe to the daemon of the data directory")
    .option("--start", "with --attach: start the daemon if there is none")
    .action(({ stdio: _, attach, start, linger, ...options }: ServeFlags) => {
      if (attach === undefined && start === undefined) {
        return actions.serve({ ...options, lingerSeconds: linger });
      }
      refuseMixed(command, attach === true);
      const { dataDir } = options;
      return actions.attach({ start: start === true, ...defined({ dataDir }) });
    });
}

/** The daemon has options of its own; what is asked of a pipe would do nothing. */
function refuseMixed(command: Command, isAttached: boolean): void {
  if (!isAttached) command.error("error: --start needs --attach");
  const given = Object.keys(command.opts()).filter(
    (name) => command.getOptionValueSource(name) === "cli" && !ofAttach.has(name),
  );
  if (given.length === 0) return;
  const flags = command.options.filter((option) => given.includes(option.attributeName()));
  command.error(`error: ${flags.map(({ long }) => long).join(", ")} cannot go with --attach`);
}
