// Rules that allow command lines: every command of the line must be allowed (protocol.md section 7).
import type { Rule } from "./rule.js";
import { isHarmless, takesComputedWords } from "./shell/harmlessPrograms.js";
import { parseLine } from "./shell/parseLine.js";
import type { ShellCommand, ShellLanguage } from "./shell/shellLine.js";
import { renderQuoted } from "./shell/words.js";
import { matchesWildcard } from "./wildcard.js";

/** A command line, with what its meaning depends on. */
export interface CommandLine {
  readonly source: string;
  /** What the shell speaks that would run it; bash unless told. */
  readonly language?: ShellLanguage;
  /** The real folder that it would run in. */
  readonly cwd?: string;
  /** The folder that rules were given for: the workspace. The line's own unless told. */
  readonly rulesFolder?: string;
}

/** A folder for lines without one. */
const anyFolder = "/.folder";

/** Takes a line apart, and tells the folder that rules were given for. */
export function readLine({ source, language = "bash", cwd, rulesFolder }: CommandLine) {
  const folder = cwd ?? rulesFolder ?? anyFolder;
  return { line: parseLine(source, { language, folder }), home: rulesFolder ?? folder };
}

/**
 * Whether rules, all of them about the tool, together allow a line. What cannot be parsed is never
 * allowed; what writes files by redirection, or computes what it runs, is by no pattern. A pattern
 * holds in the rules' folder; in others, and where the line may have moved to another, it allows only
 * programs that do nothing but read.
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
  // What is computed matches no letter of a pattern; without a `*`, the rule is the text itself.
  const isText = !pattern.includes("*") && pattern === source.trim();
  return isText || matchesWildcard(pattern, allowForm(command));
}

function allowForm({ words, assignments, inputs }: ShellCommand): string {
  const before = assignments.map((assignment) => `${assignment} `).join("");
  const after = inputs.map((input) => ` ${input}`).join("");
  return `${before}${renderQuoted(words)}${after}`.trim();
}

/** Whether a pattern names a variable: one that is covered by a `*` was not meant. */
function spellsOut(pattern: string, name: string): boolean {
  return pattern.split(/\W+/).includes(name);
}
