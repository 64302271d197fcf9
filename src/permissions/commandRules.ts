// Rules that allow command lines: every command of the line must be allowed (protocol.md section 7).
import type { Rule } from "./rule.js";
import { isHarmless, takesComputedWords } from "./shell/harmlessPrograms.js";
import { parseLine } from "./shell/parseLine.js";
import type { ShellCommand, ShellLanguage } from "./shell/shellLine.js";
import { renderQuoted } from "./shell/words.js";
import { matchesWildcard } from "./wildcard.js";

/** A command line, with everything that its meaning depends on. */
export interface CommandLine {
  readonly source: string;
  /** The language of the shell that would run it; bash by default. */
  readonly language?: ShellLanguage;
  /** The real folder that it would run in. */
  readonly cwd?: string;
  /** Whether that shell has no `CDPATH`; only then is `cd name` known to lead into the folder. */
  readonly hasNoCdpath?: boolean;
  /**
   * The folder that the rules were written for: the workspace. By default the folder of the line.
   */
  readonly rulesFolder?: string;
}

/** A folder for lines without one. */
const anyFolder = "/.folder";

/** Parses a line, and tells for which folder the rules were written. */
export function readLine(command: CommandLine) {
  const { source, language = "bash", cwd, rulesFolder, hasNoCdpath = false } = command;
  const folder = cwd ?? rulesFolder ?? anyFolder;
  const line = parseLine(source, { language, folder, hasNoCdpath });
  return { line, home: rulesFolder ?? folder };
}

/**
 * Whether rules, all of them about the tool, together allow a line. A line that cannot be parsed is
 * never allowed. A line that writes files by redirection, or computes what it runs, is not allowed
 * by a pattern. A pattern applies in the rules' folder. In other folders, also if the line may have
 * moved to one, it allows only programs that do nothing but read.
 */
export function allowsCommand(rules: readonly Rule[], command: CommandLine): boolean {
  if (rules.length === 0) return false;
  const { line, home } = readLine(command);
  if (line.unparsable !== undefined) return false;
  const patterns = rules.map(({ pattern }) => pattern);
  if (patterns.includes(undefined)) return true;
  if (line.computed !== undefined || line.hasEffects) return false;
  const certain = line.commands.filter(({ isCertain }) => isCertain);
  if (certain.length === 0) return false;
  return certain.every(
    (one) => one.isTransparent || patterns.some((pattern = "") => allows(pattern, one, home)),
  );
}

function allows(pattern: string, command: ShellCommand, home: string): boolean {
  const { words, sets, folders, source } = command;
  if (!takesComputedWords(words)) return false;
  if (!sets.every((name) => spellsOut(pattern, name))) return false;
  const isAtHome = folders?.every((folder) => folder === home) === true;
  if (!isAtHome && !(isHarmless(words[0]) && sets.length === 0)) return false;
  // A computed part matches no letter of a pattern. A rule without a `*` is compared with the text
  // itself.
  const isText = !pattern.includes("*") && pattern === source.trim();
  return isText || matchesWildcard(pattern, allowForm(command));
}

function allowForm({ words, assignments, inputs }: ShellCommand): string {
  const before = assignments.map((assignment) => `${assignment} `).join("");
  const after = inputs.map((input) => ` ${input}`).join("");
  return `${before}${renderQuoted(words)}${after}`.trim();
}

/**
 * Whether a pattern spells out a variable. A variable that is only matched by a `*` was not meant.
 */
function spellsOut(pattern: string, name: string): boolean {
  return pattern.split(/\W+/).includes(name);
}
