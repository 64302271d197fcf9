// The command line that `allowAlways` stores (protocol.md section 7). It is literal, and allows nothing that
// the person did not see: no part of the line alone, no longer line, no other word, no other folder, no
// other input, and no shell that has been changed before it.
import { isHarmless } from "./shell/harmlessPrograms.js";
import type { ShellCommand, ShellLine } from "./shell/shellLine.js";
import { renderQuoted } from "./shell/words.js";

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
 * The text that stands for a line, and for no other one: of a line that is one command its words, in one
 * way of quoting; of every other line the line as it was written. Undefined if the line is more than a
 * plain list of literal commands.
 */
export function literalLine(line: ShellLine): string | undefined {
  if (!isPlainLine(line)) return undefined;
  const written = line.commands.filter((one, at) => one.isCertain && one.written === at);
  const [first] = written;
  if (first === undefined || !written.every(isLiteral)) return undefined;
  const source = line.source.trim();
  const isAlone = written.length === 1 && !first.isRedirected && first.source === source;
  return isAlone ? renderQuoted(first.words) : source;
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

function isLiteral({ words, folders, isFed }: ShellCommand): boolean {
  if (folders?.length !== 1) return false;
  // What comes from a pipe may be a script, or the names of files.
  if (isFed && !isHarmless(words[0])) return false;
  // The shell makes a home of `~` in some places, and in quotes it does not.
  return words.every(({ text, isStatic }) => isStatic && !text.includes("~"));
}
