// Rules on command lines. To allow a line, its every command must be allowed; to deny it, one command
// that a deny rule matches is enough, however it is quoted, wrapped or reached (contract section 7).
import type { Rule } from "./rule.js";
import { parseLine } from "./shell/parseLine.js";
import type { ShellCommand, ShellLine, ShellWord } from "./shell/shellLine.js";
import { programName } from "./shell/unwrap.js";
import { renderPlain, renderQuoted } from "./shell/words.js";
import { matchesWildcard } from "./wildcard.js";

/**
 * Whether rules, all of them about the tool, together allow a line. What cannot be parsed is never
 * allowed; what writes files by redirection, or computes what it runs, is by no pattern.
 */
export function allowsCommand(rules: readonly Rule[], source: string): boolean {
  if (rules.length === 0) return false;
  const line = parseLine(source);
  if (line.unparsable !== undefined) return false;
  const patterns = rules.map(({ pattern }) => pattern);
  if (patterns.includes(undefined)) return true;
  if (line.computed !== undefined || line.redirects) return false;
  const certain = line.commands.filter(({ isCertain }) => isCertain);
  if (certain.length === 0) return false;
  return certain.every(
    (command) =>
      command.isTransparent ||
      allowForms(command).some((form) =>
        patterns.some((pattern) => pattern !== undefined && matchesWildcard(pattern, form)),
      ),
  );
}

/** The first of the rules, all of them about the tool, that denies a line. */
export function denyingCommandRule(rules: readonly Rule[], source: string): Rule | undefined {
  if (rules.length === 0) return undefined;
  const everything = rules.find(({ pattern }) => pattern === undefined);
  if (everything !== undefined) return everything;
  const line = parseLine(source);
  const forms = [...denyForms(line)];
  const places = [...possibleBeginnings(line)];
  return rules.find(({ pattern: written }) => {
    const pattern = normalize(written ?? "");
    // What begins with `*` matches the whole wherever it matches a part.
    const wanted = pattern.startsWith("*") ? forms : [...forms, ...places];
    return wanted.some((form) => matchesWildcard(pattern, form));
  });
}

/** The forms of a command that an allow rule may match: each means this command and no other. */
function allowForms({ words, assignments, inputs, source }: ShellCommand): string[] {
  const before = assignments.map((assignment) => `${assignment} `).join("");
  const after = inputs.map((input) => ` ${input}`).join("");
  const isWhole = words.length > 0 || assignments.length > 0;
  return isWhole ? [`${before}${renderQuoted(words)}${after}`.trim(), source.trim()] : [];
}

/** Every form in which a deny rule may know a line, or a command in it. */
function* denyForms(line: ShellLine): Generator<string> {
  yield normalize(line.source);
  for (const command of line.commands) yield* denyFormsOf(command);
}

/** Where it is not clear what a line runs, any word in it may be the beginning of a command. */
function* possibleBeginnings(line: ShellLine): Generator<string> {
  if (line.unparsable === undefined && line.computed === undefined) return;
  const bare = normalize(line.source.replace(/['"\\]/g, ""));
  for (const { index } of bare.matchAll(/(?<![\w.-])[\w.-]/g)) yield bare.slice(index);
}

function* denyFormsOf({ words, assignments, source }: ShellCommand): Generator<string> {
  yield normalize(source);
  const [name, ...args] = words;
  if (name === undefined) {
    yield assignments.join(" ");
    return;
  }
  const withoutFolder: ShellWord = { ...name, text: programName(name) };
  for (const form of [words, [withoutFolder, ...args]]) {
    yield normalize(renderPlain(form));
    yield normalize(renderQuoted(form));
    if (assignments.length > 0) yield normalize(`${assignments.join(" ")} ${renderPlain(form)}`);
  }
}

function normalize(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
