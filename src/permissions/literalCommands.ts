// The commands of a line that `allowAlways` stores, and the lines that they allow later (protocol.md
// section 7). A stored command is literal, and allows nothing that the person did not see: no other word,
// no other folder, no other input, and no shell that has been changed before it.
import { isHarmless } from "./shell/harmlessPrograms.js";
import type { ShellCommand, ShellLine } from "./shell/shellLine.js";
import { renderQuoted } from "./shell/words.js";

/** One command, as it was seen. */
export interface LiteralCommand {
  readonly text: string;
  /** The real folder in which it runs. */
  readonly folder: string;
}

/**
 * Commands that change the shell, so that the commands after them mean another thing. `cd` is none of them:
 * the folder of each command is known.
 */
const changesShell: ReadonlySet<string> = new Set(
  `. source eval exec trap export declare typeset local readonly set shopt unset alias unalias hash enable
  builtin command read getopts mapfile readarray let umask ulimit bind complete compgen compopt fc history
  coproc caller popd pushd return exit break continue shift times wait kill disown jobs bg fg suspend
  logout env sudo doas su runuser chroot unshare nsenter`
    .split(/\s+/)
    .filter(Boolean),
);

/**
 * The commands that may be stored for a line, one for each that is written in it. Undefined if the line
 * is more than a plain list of literal commands.
 */
export function literalCommands(line: ShellLine): readonly LiteralCommand[] | undefined {
  if (!isPlainLine(line)) return undefined;
  const found = new Map<string, LiteralCommand>();
  for (const command of writtenCommands(line)) {
    const literal = literalOf(command);
    if (literal === undefined) return undefined;
    found.set(JSON.stringify([literal.folder, literal.text]), literal);
  }
  return found.size === 0 ? undefined : [...found.values()];
}

/**
 * The commands of a line that are allowed because they are stored, by their place in the line. What such a
 * command runs itself is allowed with it.
 */
export function storedCommands(
  line: ShellLine,
  isStored: (command: LiteralCommand) => boolean,
): ReadonlySet<number> {
  if (!isPlainLine(line)) return new Set();
  const stored = writtenCommands(line).filter((command) => {
    const literal = literalOf(command);
    return literal !== undefined && isStored(literal);
  });
  return new Set(stored.map(({ written }) => written));
}

/** Nothing but commands of literal words, one after another or piped, of which none changes the shell. */
function isPlainLine(line: ShellLine): boolean {
  if (!line.isPlain || line.hasEffects) return false;
  if (line.unparsable !== undefined || line.computed !== undefined) return false;
  const certain = line.commands.filter(({ isCertain }) => isCertain);
  return certain.every(
    ({ words, sets, assignments, inputs }) =>
      !changesShell.has(words[0]?.text ?? "") &&
      sets.length + assignments.length + inputs.length === 0,
  );
}

/** The commands that stand in the line, without those that they run. */
function writtenCommands({ commands }: ShellLine): readonly ShellCommand[] {
  return commands.filter(({ written, isCertain }, at) => isCertain && written === at);
}

function literalOf({ words, folders, isFed }: ShellCommand): LiteralCommand | undefined {
  const [folder, other] = folders ?? [];
  if (folder === undefined || other !== undefined) return undefined;
  // What comes from a pipe may be a script, or the names of files.
  if (isFed && !isHarmless(words[0])) return undefined;
  // The shell makes a home of `~` in some places, and in quotes it does not.
  const areLiteral = words.every(({ text, isStatic }) => isStatic && !text.includes("~"));
  return areLiteral ? { text: renderQuoted(words), folder } : undefined;
}
