/** The commands and options of `turnwire permissions` (docs/cli.md). */
import type { Command } from "commander";
import { defined } from "../base/defined.js";
import { tellUnknownCommands } from "./defaultCommand.js";
import { nonEmpty } from "./optionValues.js";
import type { PermissionsCommandOptions } from "./permissionsCommand.js";

/** Adds `permissions` and its commands, whose options go to `action`. */
export function addPermissions(
  program: Command,
  action: (options: PermissionsCommandOptions) => Promise<void>,
): void {
  const permissions = program
    .command("permissions")
    .description("say what was allowed for good, and take it back");
  const list = permissions
    .command("list", { isDefault: true })
    .description("list what was allowed for good, and in which workspace")
    .option("--json", "for programs: one JSON object")
    .action((options: { json?: true }) => action({ action: "list", ...options }));
  tellUnknownCommands(list);
  permissions
    .command("remove")
    .description("take something back, so that it is asked for again")
    .argument("[rule]", "the rule, as `list` shows it", nonEmpty)
    .option("--cwd <dir>", "only what was allowed in this workspace", nonEmpty)
    .option("--all", "everything")
    .action((rule: string | undefined, options: { cwd?: string; all?: true }) =>
      action({ action: "remove", ...options, ...defined({ rule }) }),
    );
}
