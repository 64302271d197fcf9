/** The options of `turnwire run` on the command line (docs/cli.md). */
import { type Command, Option } from "commander";
import { defined } from "../base/defined.js";
import {
  listed,
  modelChoice,
  nonEmpty,
  positiveDollars,
  positiveInteger,
  positiveSeconds,
  setting,
} from "./optionValues.js";
import { colorChoices, outputFormats, type RunCommandOptions } from "./runOptions.js";

/** Adds `run`, whose options go to `action`. */
export function addRun(
  program: Command,
  action: (options: RunCommandOptions) => Promise<void>,
): void {
  program
    .command("run")
    .description("run one prompt and print the reply")
    .argument(
      "<prompt...>",
      "what to do; `-` reads it from stdin, and `--` comes before one that begins with `-`",
    )
    .option("--cwd <dir>", "the folder to work in", nonEmpty)
    .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty)
    .addOption(session())
    .option("--continue", "go on with the folder's latest session")
    .option("--fork", "go on in a copy of that session, which stays as it is")
    .option("-f, --attach <file>", "send a file along, an image too; may be repeated", listed)
    .option("--trust", "let the folder's own files set what can run code")
    .option("--config <key=value>", "set a field of the configuration for this run", setting)
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
    .option(
      "-o, --output-file <file>",
      "write the output there, whole, and not to stdout",
      nonEmpty,
    )
    .addOption(new Option("--quiet", "nothing on stderr but errors").conflicts("verbose"))
    .option("--verbose", "what tools answered as well, and what it cost")
    .addOption(new Option("--color <when>", "whether to use colours").choices(colorChoices))
    .addOption(detach())
    .option("--timeout <seconds>", "cancel the run after so long", positiveSeconds)
    .action((words: string[], { continue: continueLatest, timeout, ...options }: RunFlags) =>
      action({
        prompt: words.join(" "),
        ...options,
        ...defined({ continueLatest, timeoutSeconds: timeout }),
      }),
    );
}

function session(): Option {
  return new Option("--session <id>", "go on with this session")
    .argParser(nonEmpty)
    .conflicts("continue");
}

/** A daemon has a configuration of its own, and the command does not stay for anything else. */
function detach(): Option {
  const option = new Option("--detach", "give it to the daemon, print the run's id, and leave");
  return option.conflicts(["config", "timeout", "outputFile"]);
}

type RunFlags = Omit<RunCommandOptions, "prompt" | "continueLatest" | "timeoutSeconds"> & {
  continue?: true;
  timeout?: number;
};
