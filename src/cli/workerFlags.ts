/** The options of `turnwire worker` (docs/cli.md). */
import { type Command, InvalidArgumentError, Option } from "commander";
import { nonEmpty, positiveInteger } from "./optionValues.js";
import { logLevels } from "./serveOptions.js";
import type { WorkerCommandOptions } from "./workerOptions.js";

const modes = ["deny", "plan", "ask", "acceptEdits", "allow"];

/** Adds `worker`, whose options go to `action`. */
export function addWorker(
  program: Command,
  action: (options: WorkerCommandOptions) => Promise<void>,
): void {
  program
    .command("worker")
    .description("run prompts of a NATS JetStream work queue, and send their completions")
    .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty)
    .option("--nats <url>", "the server; without it, the configured worker", nonEmpty)
    .addOption(
      new Option("--completions <stream>", "the stream for completions")
        .argParser(nonEmpty)
        .default("TURNWIRE"),
    )
    .option("--queue <stream>", "the stream with the prompts", nonEmpty)
    .option("--consumer <name>", "the consumer that all workers share", nonEmpty)
    .option("--workspace <name=path>", "a folder for prompts; may be repeated", workspaces)
    .addOption(new Option("--permission-mode <mode>", "the mode of runs").choices(modes))
    .option("--max-concurrent <n>", "how many prompts run at a time", positiveInteger)
    .addOption(new Option("--log-level <level>").choices(logLevels).default("info"))
    .action((options: WorkerCommandOptions) => action(options));
}

type Workspaces = NonNullable<WorkerCommandOptions["workspace"]>;

function workspaces(text: string, before: Workspaces = []): Workspaces {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError("write NAME=PATH");
  return [...before, { name: text.slice(0, at), path: text.slice(at + 1) }];
}
