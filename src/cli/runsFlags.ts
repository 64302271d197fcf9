/** The commands for runs of a daemon on the command line (docs/cli.md). */
import type { Command } from "commander";
import { nonEmpty, positiveInteger } from "./optionValues.js";
import type { RunsCommandOptions } from "./runsOptions.js";

/** Adds `runs`, `attach` and `cancel`. */
export function addRuns(
  program: Command,
  act: (options: RunsCommandOptions) => Promise<void>,
): void {
  const add = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty);
  const json = ["--json", "for programs: one JSON object"] as const;
  type Flags = { dataDir?: string; json?: true };
  add("runs", "the runs of every folder, newest first")
    .option("--limit <n>", "at most so many", positiveInteger)
    .option(...json)
    .action((flags: Flags & { limit?: number }) => act({ action: "list", ...flags }));
  add("attach", "show what a run of the daemon has said so far, and what it says until its end")
    .argument("<run>", "its id", nonEmpty)
    .option(...json)
    .action((runId: string, flags: Flags) => act({ action: "attach", runId, ...flags }));
  add("cancel", "stop a run of the daemon")
    .argument("<run>", "its id", nonEmpty)
    .action((runId: string, flags: Flags) => act({ action: "cancel", runId, ...flags }));
}
