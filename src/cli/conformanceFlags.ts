// `turnwire conformance`: its arguments and options (docs/conformance.md).
import { type Command, Option } from "commander";
import type { ConformanceOptions } from "../conformance/command.js";
import { nonEmpty, positiveSeconds } from "./optionValues.js";

/** Adds the command; `action` gets what was asked for. */
export function addConformance(
  program: Command,
  action: (options: ConformanceOptions) => Promise<void>,
): void {
  program
    .command("conformance")
    .description("check a server that speaks the protocol; its command comes after --")
    .argument(
      "[command...]",
      "the server; {dataDir}, {configDir} and {providerUrl} in it are replaced",
    )
    .addOption(
      new Option("--framing <kind>", "how messages are set apart")
        .choices(["ndjson", "header", "both"])
        .default("ndjson"),
    )
    .option("--filter <re>", "check only what has an id that fits", nonEmpty)
    .option("--list", "say what would be checked, and start nothing")
    .option("--json", "print the results as one JSON object")
    .option("--junit <file>", "write the results for a CI server", nonEmpty)
    .option("--restart-command <command>", "starts a server that follows a dead one", nonEmpty)
    .option("--second-command <command>", "starts a second server beside the first", nonEmpty)
    .addOption(
      new Option("--model <kind>", "who answers the prompts").choices(["offline", "provider"]),
    )
    .option("--config-dir <dir>", "where the server's own configuration is", nonEmpty)
    .option("--patience <seconds>", "how long the server may take for anything", positiveSeconds)
    .action((command: string[], options: Omit<ConformanceOptions, "command">) =>
      action({ ...options, command }),
    );
}
