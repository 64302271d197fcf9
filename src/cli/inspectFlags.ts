/** The options of `turnwire inspect` (docs/inspecting.md). */
import { type Command, InvalidArgumentError, Option } from "commander";
import { defined } from "../base/defined.js";
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
    .description("show what a client and a JSON-RPC server say to each other")
    .usage("[options] | [options] FILE | [options] -- COMMAND…")
    .argument("[words...]", "a recording, or behind `--` the server to start")
    .option("--data-dir <dir>", "whose servers are looked into, without FILE or COMMAND", nonEmpty)
    .option("--port <n>", "the port of the page; any that is free by default", portNumber, 0)
    .option("--no-page", "only record")
    .option("--record <file>", "where it is recorded", nonEmpty)
    .addOption(
      new Option("--format <format>", "of the recording: our own, or LSP Inspector's")
        .choices(["turnwire", "lsp"])
        .default("turnwire"),
    )
    .option("--record-limit <mb>", "how large the recording may become", positiveInteger, 512)
    .option("--hide-contents", "leave out what people, models and tools have written")
    .action((words: readonly string[], options: Omit<InspectOptions, "command" | "file">) => {
      const at = argv.indexOf("--");
      const [first, ...rest] = at === -1 ? [] : argv.slice(at + 1);
      const files = words.slice(0, first === undefined ? undefined : -(rest.length + 1));
      const [file] = files;
      if (files.length > 1) inspect.error("error: write `--` before the server's command");
      if (first !== undefined && file !== undefined) {
        inspect.error("error: name a recording or a server's command, not both");
      }
      if (first !== undefined) return action({ ...options, command: [first, ...rest] });
      if (!options.page) inspect.error("error: without a server's command there is only the page");
      if (file !== undefined && options.dataDir !== undefined) {
        inspect.error("error: name a recording or a data directory, not both");
      }
      return action({ ...options, ...defined({ file }) });
    });
}

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError("It must be a number from 0 to 65535.");
}
