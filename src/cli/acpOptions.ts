/** The options of `turnwire acp` (protocol.md section 11). */
import { type Command, Option } from "commander";
import { defined } from "../base/defined.js";
import { nonEmpty, seconds } from "./optionValues.js";
import { defaultServeOptions, logLevels } from "./serveOptions.js";

export interface AcpOptions {
  readonly dataDir?: string;
  readonly logLevel: string;
  readonly logFile?: string;
  /** How long a question may wait for its answer; then it is denied. */
  readonly questionSeconds: number;
  /** Whether a turn goes on with the next server if this one is lost or ends. */
  readonly goesOn: boolean;
  /** Whether the daemon of the data directory does the work, and is started where there is none. */
  readonly attach: boolean;
  readonly start: boolean;
}

const questionSeconds = 3600;

/** Editors show a person whatever comes on stderr as an error: what went well does not belong there. */
const editorLogLevel = "warn";

/** Adds the command. */
export function addAcp(
  program: Command,
  act: (options: AcpOptions) => Promise<void>,
  { writeError }: { writeError(text: string): void },
): void {
  const command = program
    .command("acp")
    .description("serve an editor that speaks the Agent Client Protocol over stdin and stdout");
  command
    .configureOutput({ writeOut: writeError })
    .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty)
    .addOption(
      new Option(
        "--log-level <level>",
        `what is logged: by default \`${editorLogLevel}\`, and with --log-file \`${defaultServeOptions.logLevel}\``,
      ).choices(logLevels),
    )
    .option("--log-file <file>", "write the log there and not to stderr", nonEmpty)
    .option(
      "--question-timeout <seconds>",
      "deny a question that nobody answers for so long",
      seconds,
      questionSeconds,
    )
    .addOption(
      new Option(
        "--on-loss <what>",
        "what becomes of a turn whose editor or server is lost: it ends, or the next one goes on with it",
      )
        .choices(["interrupt", "continue"])
        .default("interrupt"),
    )
    .option("--attach", "let the daemon of the data directory do the work")
    .option("--start", "with --attach: start the daemon if there is none")
    .action(
      ({
        questionTimeout,
        onLoss,
        attach = false,
        start = false,
        ...options
      }: {
        questionTimeout: number;
        onLoss: "interrupt" | "continue";
        attach?: boolean;
        start?: boolean;
        logLevel?: string;
        dataDir?: string;
        logFile?: string;
      }) => {
        if (start && !attach) command.error("error: --start needs --attach");
        const { dataDir, logFile } = options;
        const usual = logFile === undefined ? editorLogLevel : defaultServeOptions.logLevel;
        const { logLevel = usual } = options;
        const given = { logLevel, ...defined({ dataDir, logFile }) };
        const goesOn = onLoss === "continue";
        return act({ ...given, questionSeconds: questionTimeout, goesOn, attach, start });
      },
    );
}
