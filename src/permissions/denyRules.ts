// Rules that deny command lines. A line is denied if a rule matches one command in it, in whatever
// way the command is quoted, wrapped or reached. If it cannot be decided whether a rule matches,
// the result says so (protocol.md section 7).
import { posix } from "node:path";
import { type CommandLine, readLine } from "./commandRules.js";
import type { Rule } from "./rule.js";
import { readGitCommand } from "./shell/gitCommand.js";
import { canBeSame, type OptionSet, readOptions } from "./shell/optionSets.js";
import type { ShellCommand, ShellLine, ShellWord } from "./shell/shellLine.js";
import { programName } from "./shell/unwrap.js";
import { literalWord, renderPlain, renderQuoted, renderShape } from "./shell/words.js";
import { matchesWildcard } from "./wildcard.js";

/** The result of deny rules for a line. */
export interface Denial {
  /** The rule that matches, or may match. */
  readonly rule: Rule;
  /** Why it is not certain that it matches; undefined if it is certain. */
  readonly doubt?: string;
}

/**
 * The first of the rules that denies a line, else the first that may deny it. All rules must be
 * about the tool.
 */
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
  // A pattern that begins with `*` matches the whole if it matches a part.
  const isAnywhere = pattern.startsWith("*");
  const start = pattern.split("*", 1)[0] ?? "";
  return (
    forms.some((form) => matchesWildcard(pattern, form)) ||
    (!isAnywhere && places.some((text) => text.startsWith(start) && matchesWildcard(pattern, text)))
  );
}

/** A pattern, split as a command is. */
interface WantedCommand {
  readonly text: string;
  /** The program's name; undefined if it is not written out. */
  readonly program: string | undefined;
  /** Whether it may be the beginning of a name. */
  readonly isPrefix: boolean;
  readonly options: readonly WantedOption[];
  /** The pattern for words that are no options; undefined if the options are not written out. */
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

/** A form of a command that a rule may match. */
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
  // A path means a file in the folder in which it is used. If that folder is unknown, it means any
  // file of its name.
  if (name.text.includes("/")) {
    for (const folder of folders ?? [home]) programs.add(absolute(name.text, folder));
    if (folders === undefined) programs.add(absolute(`./${plain}`, home));
  }
  return [...programs].map((program) => ({ program, set, isCertain }));
}

function absolute(name: string, folder: string): string {
  return name.includes("/") ? posix.resolve(folder, name) : name;
}

/** Whether a pattern matches a program with its options; `maybe` if words are computed. */
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

/**
 * The operands: all together, without those that may be an option's value, and each one alone if it
 * follows options.
 */
function operandTexts({ operands, mayBeValue }: OptionSet, hasOptions: boolean): string[] {
  const bounded = operands.slice(0, 64);
  const texts = [operands.join(" ")];
  for (let at = 0; at < bounded.length && mayBeValue[at] === true; at++) {
    texts.push(operands.slice(at + 1).join(" "));
  }
  return hasOptions ? [...texts, ...bounded] : texts;
}

/** Why it is not certain that a pattern does not match; undefined if that is certain. */
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

/** Every form of a line, or of a command in it, that a deny rule may match. */
function* denyForms(line: ShellLine): Generator<string> {
  yield normalize(line.source.slice(0, maxLength));
  for (const command of line.commands) yield* denyFormsOf(command);
}

/** Longer lines are always in doubt. */
const maxLength = 32_768;
const maxPlaces = 20_000;
const maxPlaceLength = 120;

/** If it is not clear what a line runs, any word in it may be the beginning of a command. */
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
  // Options of git itself may come before its command.
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
