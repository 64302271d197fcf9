// What a shell ran, and the gate had not seen in a line that it took for decidable.
import { parseLine } from "../../../src/permissions/shell/parseLine.js";
import type { ShellCommand, ShellLanguage } from "../../../src/permissions/shell/shellLine.js";
import type { Ran } from "./realShell.js";

/** Whether the gate says what a line runs. */
export function decidableCommands(
  line: string,
  language: ShellLanguage,
): readonly ShellCommand[] | undefined {
  const { computed, unparsable, commands } = parseLine(line, {
    language,
    folder: "/repo",
    hasNoCdpath: true,
  });
  if (computed !== undefined || unparsable !== undefined) return undefined;
  return commands.filter(({ isCertain }) => isCertain);
}

/** The commands of those that ran which are none of those that the gate saw. */
export function unseenOf(ran: readonly Ran[], seen: readonly ShellCommand[]): readonly Ran[] {
  const patterns = seen.map(patternOf);
  return ran.filter((words) => {
    const text = words.map((word) => `${word}\x1f`).join("");
    return !patterns.some((pattern) => pattern.test(text));
  });
}

function patternOf({ words }: ShellCommand): RegExp {
  const parts = words.map(({ shape, isStatic, canSplit }) => {
    // A tilde stands for a folder, which is no other program and no option.
    if (isStatic)
      return `${shape
        .split(/~[+-]?/)
        .map(escapeRegExp)
        .join("[^\x1f]*")}\x1f`;
    // Nothing at all, or any number of words.
    if (canSplit) return "(?:[^\x1f]*\x1f)*";
    return `${shape
      .split(/~[+-]?|\0/)
      .map(escapeRegExp)
      .join("[^\x1f]*")}\x1f`;
  });
  return new RegExp(`^${parts.join("")}$`);
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
