// The commands that the program has by itself (protocol.md section 4, Commands).
import { builtInCommandIn } from "../base/builtInCommand.js";
import type { Command } from "../protocol/objects/command.js";

/** What a prompt may always begin with. */
export const builtInCommands: readonly Command[] = [
  {
    name: "compact",
    description: "Summarises the session, so that the model goes on with the summary.",
    source: "builtIn",
  },
];

/** Whether a prompt asks for a summary. */
export function isCompact(text: string): boolean {
  return builtInCommandIn(text) === "compact";
}
