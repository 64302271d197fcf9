// Rules that deny command lines. One command that a rule matches is enough, however it is quoted,
// wrapped or reached; and where it cannot be said whether a rule matches, that is said, too
// (protocol.md section 7).
import { posix } from "node:path";
import { type CommandLine, readLine } from "./commandRules.js";
import type { Rule } from "./rule.js";
import { readGitCommand } from "./shell/gitCommand.js";
import { canBeSame, type OptionSet, readOptions } from "./shell/optionSets.js";
import type { ShellCommand, ShellLine, ShellWord } from "./shell/shellLine.js";
import { programName } from "./shell/unwrap.js";
import { literalWord, renderPlain, renderQuoted, renderShape } from "./shell/words.js";
import { matchesWildcard } from "./wildcard.js";

/** What deny rules say of a line. */
export interface Denial {
  /** The rule that matches, or may match. */
  readonly rule: Rule;
  /** Why it is not certain that it matches; undefined where it is. */
  readonly doubt?: string;
}

/** The first of the rules, all of them about the tool, that denies a line, or else may deny it. */
export function denyingCommandRule(
  rules: readonly Rule[],
  command: CommandLine,
): Denial | undefined {
  if (rules.length === 0) return undefined;
  const everything = rules.find(({ pattern }) => pattern === undefined);
  if (everything !== undefined) return { rule: everything };
  const { line, home } = readLine(command);
  const forms = [...denyForms(line)];
  const places = [...possibleBeginnings(line)];
  const programs = line.commands.flatMap((one) => programsOf(one, home));
  let doubtful: Denial | undefined;
  for (const rule of rules) {
    const wanted = readPattern(normalize(rule.pattern ?? ""), home);
    const certain =
      matchesSomewhere(wanted.text, forms, places) ||
      programs.some((program) => matchesProgram(wanted, program) === "yes");
    if (certain) return { rule };
    const doubt = line.unparsable ?? line.computed ?? doubtAbout(wanted, line, programs);
    if (doubt !== undefined) doubtful ??= { rule, doubt };
  }
  return doubtful;
}

function matchesSomewhere(
  pattern: string,
  forms: readonly string[],
  places: readonly string[],
): boolean {
  // What begins with `*` matches the whole wherever it matches a part.
  const isAnywhere = pattern.startsWith("*");
  const start = pattern.split("*", 1)[0] ?? "";
  return (
    forms.some((form) => matchesWildcard(pattern, form)) ||
    (!isAnywhere && places.some((text) => text.startsWith(start) && matchesWildcard(pattern, text)))
  );
}

/** A pattern taken apart as a command is. */
interface WantedCommand {
  readonly text: string;
  /** The program's name; undefined where it is not written out. */
  readonly program: string | undefined;
  /** Whether it may be the beginning of a name. */
  readonly isPrefix: boolean;
  readonly options: readonly WantedOption[];
  /** A pattern for what is no option; undefined where options are not written out. */
  readonly operands: string | undefined;
}

interface WantedOption {
  readonly name: string;
  /** Whether it may be the beginning of a name. */
  readonly isPrefix: boolean;
}

function readPattern(text: string, home: string): WantedCommand {
  const words = text.split(" ").map(literalWord);
  const [name, ...args] = words;
  const nothing = { text, isPrefix: false, options: [], operands: undefined };
  const unknown: WantedCommand = { ...nothing, program: undefined };
  if (name === undefined || /.\*.|^\*|[|;&<>$`(){}]/.test(name.text)) return unknown;
  const isPrefix = name.text.endsWith("*");
  if (isPrefix && args.length > 0) return unknown;
  if (isPrefix) {
    return { ...nothing, program: absolute(name.text.slice(0, -1), home), isPrefix, operands: "*" };
  }
  const { program, rest } = plainProgram(name.text, args, home);
  const options: WantedOption[] = [];
  const operands: string[] = [];
  let tail = "";
  for (const { text: word } of rest) {
    const bare = word.replace(/\*+$/, "");
    if (!/^-./.test(word)) operands.push(word);
    else if (bare.includes("*")) return { ...unknown, program };
    else {
      const found = readOptions(program, [literalWord(bare)]).options;
      const isPrefix = bare !== word && (bare.startsWith("--") || found.has(bare));
      for (const one of found) options.push({ name: one, isPrefix });
      if (bare !== word) tail = "*";
    }
  }
  return { text, program, isPrefix, options, operands: operands.join(" ") + tail };
}

/** A command of git counts as a program: options of git's own may stand before it. */
function plainProgram(name: string, args: readonly ShellWord[], home: string) {
  const [first, ...rest] = args;
  const isGit = name === "git" && first !== undefined && /^[a-z-]+\*?$/.test(first.text);
  if (!isGit || first.text.startsWith("-")) return { program: absolute(name, home), rest: args };
  const bare = first.text.replace(/\*$/, "");
  const tail = bare === first.text ? [] : [literalWord("*")];
  return { program: `git ${bare}`, rest: [...rest, ...tail] };
}

/** A command as a rule may know it. */
interface ActualProgram {
  /** `undefined` for a command of git that may be any. */
  readonly program: string | undefined;
  readonly set: OptionSet;
  readonly isCertain: boolean;
}

function programsOf(command: ShellCommand, home: string): ActualProgram[] {
  const { words, isCertain, folders } = command;
  const [name, ...args] = words;
  if (name === undefined || !name.isStatic) return [];
  const plain = programName(name);
  if (plain === "git") {
    const inner = readGitCommand(args);
    if (inner === "none") return [];
    if (inner === "any") return [{ program: undefined, set: readOptions("git", args), isCertain }];
    const program = `git ${inner.name}`;
    return [{ program, set: readOptions(program, inner.args), isCertain }];
  }
  const set = readOptions(plain, args);
  const programs = new Set([plain]);
  // A path means a file in the folder that it is used in; where that is not known, any of its name.
  if (name.text.includes("/")) {
    for (const folder of folders ?? [home]) programs.add(absolute(name.text, folder));
    if (folders === undefined) programs.add(absolute(`./${plain}`, home));
  }
  return [...programs].map((program) => ({ program, set, isCertain }));
}

function absolute(name: string, folder: string): string {
  return name.includes("/") ? posix.resolve(folder, name) : name;
}

/** Whether a pattern matches a program with its options; `maybe` where words are computed. */
function matchesProgram(wanted: WantedCommand, actual: ActualProgram): "yes" | "no" | "maybe" {
  const { program, set } = actual;
  if (wanted.program === undefined) return "no";
  const isOpenGit = program === undefined && /^git( |$)/.test(wanted.program);
  if (isOpenGit) return "maybe";
  const isMeant = wanted.isPrefix
    ? program?.startsWith(wanted.program) === true
    : program === wanted.program;
  if (!isMeant) return "no";
  if (wanted.operands === undefined) return set.isOpen ? "maybe" : "no";
  const hasOptions = wanted.options.every((option) => hasOption(set.options, option));
  if (!hasOptions && !set.isOpen) return "no";
  const texts = operandTexts(set, wanted.options.length > 0);
  const pattern = wanted.operands;
  if (hasOptions && texts.some((text) => matchesWildcard(pattern, text))) return "yes";
  return texts.some((text) => canBeSame(pattern, text)) || set.isOpen ? "maybe" : "no";
}

function hasOption(options: ReadonlySet<string>, { name, isPrefix }: WantedOption): boolean {
  if (options.has(name)) return true;
  return isPrefix && [...options].some((one) => one.startsWith(name));
}

/** The operands: together, without what may be an option's value, and, behind options, each alone. */
function operandTexts({ operands, mayBeValue }: OptionSet, hasOptions: boolean): string[] {
  const bounded = operands.slice(0, 64);
  const texts = [operands.join(" ")];
  for (let at = 0; at < bounded.length && mayBeValue[at] === true; at++) {
    texts.push(operands.slice(at + 1).join(" "));
  }
  return hasOptions ? [...texts, ...bounded] : texts;
}

/** Why it cannot be said that a pattern does not match; undefined where it can. */
function doubtAbout(
  wanted: WantedCommand,
  line: ShellLine,
  programs: readonly ActualProgram[],
): string | undefined {
  const doubt = "a word of a command is computed";
  if (wanted.program !== undefined) {
    const isOpen = programs.some(
      (actual) => actual.isCertain && matchesProgram(wanted, actual) === "maybe",
    );
    return isOpen ? doubt : undefined;
  }
  const isOpen = line.commands.some(
    ({ words, isCertain }) =>
      isCertain &&
      words.some(({ isStatic }) => !isStatic) &&
      canBeSame(wanted.text, normalize(renderShape(words))),
  );
  return isOpen ? doubt : undefined;
}

/** Every form in which a deny rule may know a line, or a command in it. */
function* denyForms(line: ShellLine): Generator<string> {
  yield normalize(line.source.slice(0, maxLength));
  for (const command of line.commands) yield* denyFormsOf(command);
}

/** Longer lines are in doubt, whatever they begin with. */
const maxLength = 32_768;
const maxPlaces = 20_000;
const maxPlaceLength = 120;

/** Where it is not clear what a line runs, any word in it may be the beginning of a command. */
function* possibleBeginnings(line: ShellLine): Generator<string> {
  if (line.unparsable === undefined && line.computed === undefined) return;
  const bare = normalize(line.source.slice(0, maxLength).replace(/['"\\]/g, ""));
  let count = 0;
  for (const { index } of bare.matchAll(/(?<![\w.-])[\w.-]/g)) {
    if (count++ >= maxPlaces) return;
    yield bare.slice(index, index + maxPlaceLength);
  }
}

function* denyFormsOf({ words, assignments, source }: ShellCommand): Generator<string> {
  yield normalize(source);
  const [name, ...args] = words;
  if (name === undefined) {
    yield assignments.join(" ");
    return;
  }
  const withoutFolder: ShellWord = { ...name, text: programName(name) };
  const inner = withoutFolder.text === "git" ? readGitCommand(args) : "none";
  // Options of git's own may stand before its command.
  const plainGit =
    typeof inner === "string" ? [] : [[withoutFolder, literalWord(inner.name), ...inner.args]];
  for (const form of [words, [withoutFolder, ...args], ...plainGit]) {
    const plain = normalize(renderPlain(form));
    yield plain;
    yield normalize(renderQuoted(form));
    if (assignments.length > 0) yield normalize(`${assignments.join(" ")} ${plain}`);
  }
}

function normalize(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
