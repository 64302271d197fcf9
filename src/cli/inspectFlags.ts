/** The options of `turnwire inspect` (docs/inspecting.md). */
import { type Command, Option } from "commander";
import type { InspectOptions } from "./inspectOptions.js";
import { nonEmpty, positiveInteger } from "./optionValues.js";

/** Adds `inspect`, whose options go to `action`. `argv` tells what stands behind `--`. */
export function addInspect(
  program: Command,
  argv: readonly string[],
  action: (options: InspectOptions) => Promise<void>,
): void {
  const inspect = program
    .command("inspect")
    .description("stand between a client and a JSON-RPC server, and record what they say")
    .usage("[options] -- COMMAND…")
    .argument("[command...]", "the server to start, behind `--`")
    .option("--record <file>", "where it is recorded", nonEmpty)
    .addOption(
      new Option("--format <format>", "of the recording: our own, or LSP Inspector's")
        .choices(["turnwire", "lsp"])
        .default("turnwire"),
    )
    .option("--record-limit <mb>", "how large the recording may become", positiveInteger, 512)
    .option("--hide-contents", "leave out what people, models and tools have written")
    .action((words: readonly string[], options: Omit<InspectOptions, "command">) => {
      const at = argv.indexOf("--");
      const [first, ...rest] = at === -1 ? [] : argv.slice(at + 1);
      if (words.length > rest.length + (first === undefined ? 0 : 1)) {
        inspect.error("error: write `--` before the server's command");
      }
      if (first === undefined) return inspect.error("error: name the server's command behind `--`");
      return action({ ...options, command: [first, ...rest] });
    });
}
