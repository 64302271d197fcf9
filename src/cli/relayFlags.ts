/** The commands and options of `turnwire relay` (docs/cli.md). */
import { type Command, Option } from "commander";
import { defined } from "../base/defined.js";
import { nonEmpty } from "./optionValues.js";
import type { RelayCommandOptions, RelayRun } from "./relayOptions.js";
import { logLevels } from "./serveOptions.js";

type Asked<A extends RelayCommandOptions["action"]> = Omit<
  Extract<RelayCommandOptions, { action: A }>,
  "action"
>;

/** Adds `relay` and its commands, whose options go to `action`. */
export function addRelay(
  program: Command,
  action: (options: RelayCommandOptions) => Promise<void>,
): void {
  const relay = program
    .command("relay")
    .description("carry completions to NATS JetStream, Postgres or a webhook");
  const add = (usage: string, description: string, isDefault = false) =>
    relay
      .command(usage, { isDefault })
      .description(description)
      .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty);
  add("run", "carry them until it is ended; by default to the configured places", true)
    .option("--name <name>", "the relay's name", nonEmpty)
    .addOption(place("--nats <url>", "to NATS JetStream", ["postgres", "http"]))
    .option("--stream <name>", "the stream; it is made if there is none", nonEmpty)
    .addOption(place("--postgres <url>", "to a table of Postgres", ["nats", "http"]))
    .option("--table <name>", "the table; it is made if there is none", nonEmpty)
    .addOption(place("--http <url>", "to a webhook", ["nats", "postgres"]))
    .option("--secret <secret>", "signs the requests to the webhook", nonEmpty)
    .option("--once", "end when everything is sent that was there at the start")
    .addOption(new Option("--log-level <level>").choices(logLevels).default("info"))
    .action((options: Omit<RelayRun, "action">) => action({ action: "run", ...options }));
  add("status", "say how far each relay has come, and what is in its way")
    .option("--json", "for programs: one JSON object")
    .action((options: Asked<"status">) => action({ action: "status", ...options }));
  add("retry", "send again what a relay has set aside; a relay that was stopped goes on")
    .argument("<name>", "the relay's name", nonEmpty)
    .argument("[completion]", "one completion alone", nonEmpty)
    .action((name: string, completionId: string | undefined, options: { dataDir?: string }) =>
      action({
        action: "retry",
        name,
        ...options,
        ...defined({ completionId }),
      }),
    );
  add("forget", "forget a relay: nothing is kept for it any more")
    .argument("<name>", "the relay's name", nonEmpty)
    .action((name: string, options: { dataDir?: string }) =>
      action({ action: "forget", name, ...options }),
    );
}

function place(flags: string, description: string, others: string[]): Option {
  return new Option(flags, `${description}; $NAME in it is read from the environment`)
    .argParser(nonEmpty)
    .conflicts(others);
}
