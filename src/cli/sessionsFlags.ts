/** The commands and options of `turnwire sessions` (docs/cli.md). */
import { type Command, Option } from "commander";
import { tellUnknownCommands } from "./defaultCommand.js";
import { nonEmpty, positiveInteger } from "./optionValues.js";
import { exportFormats, type SessionsCommandOptions } from "./sessionsCommandOptions.js";

type Asked<A extends SessionsCommandOptions["action"]> = Omit<
  Extract<SessionsCommandOptions, { action: A }>,
  "action"
>;

/** Adds `sessions` and its commands, whose options go to `action`. */
export function addSessions(
  program: Command,
  action: (options: SessionsCommandOptions) => Promise<void>,
): void {
  const sessions = program.command("sessions").description("look at what was said, and keep order");
  const add = (usage: string, description: string, isDefault = false) =>
    sessions
      .command(usage, { isDefault })
      .description(description)
      .option("--data-dir <dir>", "where sessions and completions are kept", nonEmpty);
  const folder = ["--cwd <dir>", "the folder whose sessions are meant", nonEmpty] as const;
  const all = ["--all", "those of every folder"] as const;
  const json = ["--json", "for programs: one JSON object"] as const;
  tellUnknownCommands(add("list", "the sessions of this folder, newest first", true))
    .option(...folder)
    .option(...all)
    .option("--limit <n>", "at most so many", positiveInteger)
    .option(...json)
    .action((options: Asked<"list">) => action({ action: "list", ...options }));
  add("show", "what was said in a session, to read")
    .argument("<session>", "its id", nonEmpty)
    .option(...json)
    .action((session: string, options: Omit<Asked<"show">, "session">) =>
      action({ action: "show", session, ...options }),
    );
  add("export", "a session as Markdown, or with everything that is stored of it as JSON")
    .argument("<session>", "its id", nonEmpty)
    .addOption(
      new Option("--format <format>", "which of them").choices(exportFormats).default("markdown"),
    )
    .option("-o, --output-file <file>", "write it there, and not to stdout", nonEmpty)
    .action((session: string, options: Omit<Asked<"export">, "session">) =>
      action({ action: "export", session, ...options }),
    );
  add("delete", "delete sessions for good; asks first")
    .argument("<sessions...>", "their ids")
    .option("--yes", "do not ask")
    .action((ids: string[], options: Omit<Asked<"delete">, "sessions">) =>
      action({ action: "delete", sessions: ids, ...options }),
    );
  add("search", "the sessions in which all of some words were said")
    .argument("<words...>", "plain words")
    .option(...folder)
    .option(...all)
    .option("--limit <n>", "at most so many", positiveInteger)
    .option(...json)
    .action((words: string[], options: Omit<Asked<"search">, "query">) =>
      action({ action: "search", query: words.join(" "), ...options }),
    );
}
