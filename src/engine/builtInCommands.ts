// The program's own commands (protocol.md section 4, Commands).
import { builtInCommandIn } from "../base/builtInCommand.js";
import type { Command } from "../protocol/objects/command.js";

/** The commands that are always there. */
export const builtInCommands: readonly Command[] = [
  {
    name: "compact",
    description: "Summarises the session, so that the model goes on with the summary.",
    source: "builtIn",
  },
  {
    name: "undo",
    description:
      "Takes back the last run, or the last n: what they changed in files, and their messages.",
    argumentHint: "[n]",
    source: "builtIn",
  },
];

/** Whether a prompt asks for a summary. */
export function isCompact(text: string): boolean {
  return builtInCommandIn(text) === "compact";
}
