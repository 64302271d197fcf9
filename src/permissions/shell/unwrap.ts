// Finds the commands inside commands that run others. Certain ones count for allow and for deny
// rules. Suspected ones count only for deny rules, so finding too many does no harm.
import { defined } from "../../base/defined.js";
import type { ShellLanguage, ShellWord } from "./shellLine.js";
import { computedWord, literalWord } from "./words.js";
import { knownShells, looseWrappers, otherShells, type Wrapper, wrappers } from "./wrapperTable.js";

/** A command that another runs. */
export interface InnerCommand {
  readonly words: readonly ShellWord[];
  readonly isCertain: boolean;
  /** Variables set for it, as written. */
  readonly assignments?: readonly string[];
  /** Whether it runs in another folder than the one that runs it. */
  readonly moves?: boolean;
}

/** What a command runs inside itself. */
export interface Unwrapped {
  readonly commands: readonly InnerCommand[];
  /** Texts that it runs as shell lines, by default in the language of the line. */
  readonly scripts: readonly {
    readonly text: string;
    readonly isCertain: boolean;
    readonly language?: ShellLanguage;
  }[];
  /** Why it is not known what it runs, if it is not. */
  readonly computed?: string;
  readonly isTransparent: boolean;
}

const nothing: Unwrapped = { commands: [], scripts: [], isTransparent: false };
const computedArgument: ShellWord = computedWord("$@");

/** The last part of a program's path. */
export function programName(word: ShellWord): string {
  return word.text.slice(word.text.lastIndexOf("/") + 1);
}

/** Looks into a command. */
export function unwrap(words: readonly ShellWord[], hereTexts: readonly string[]): Unwrapped {
  const [name, ...args] = words;
  if (name === undefined) return nothing;
  if (!name.isStatic) return { ...nothing, computed: "the name of a command is computed" };
  const program = programName(name);
  const wrapper = wrappers.get(program);
  // A program of that name in some folder may be any program.
  const isPlain = program === name.text;
  const found = ((): Unwrapped => {
    // This only asks where a program is.
    if (program === "command" && /^-[vV]$/.test(args[0]?.text ?? "")) return nothing;
    if (wrapper !== undefined) return unwrapArguments(program, wrapper, args);
    if (program === "eval") return unwrapEval(args);
    if (program === "trap") return { ...unwrapTrap(args), isTransparent: false };
    if (program === "find") return unwrapFind(args);
    if (name.text === "." || name.text === "source") return unwrapFile(args);
    if (knownShells.has(program) || otherShells.has(program)) {
      return unwrapShell(program, args, hereTexts);
    }
    return looseWrappers.has(program) ? unwrapLoosely(args) : nothing;
  })();
  return { ...found, isTransparent: found.isTransparent && isPlain };
}

function unwrapArguments(program: string, wrapper: Wrapper, args: readonly ShellWord[]): Unwrapped {
  const suspected = suffixes(args);
  const undecided: Unwrapped = {
    commands: suspected,
    scripts: suspectedScripts(args),
    isTransparent: false,
    computed: `the options of ${program} are not understood`,
  };
  const start = commandStart(wrapper, args);
  if (start === undefined) return undecided;
  const inner = replaced(wrapper, args.slice(0, start.command), args.slice(start.command));
  const [name] = inner;
  if (name?.text.startsWith("-") === true) return undecided;
  const isBare = name === undefined;
  const words = wrapper.addsArguments === true && !isBare ? [...inner, computedArgument] : inner;
  const assignments = args.slice(start.assignments, start.command).map(({ text }) => text);
  const moves = wrapper.moves === true;
  return {
    commands: isBare ? [] : [{ words, assignments, moves, isCertain: true }, ...suspected],
    scripts: [],
    isTransparent: wrapper.isTransparent === true && !isBare,
  };
}

/**
 * Where the inner command begins, after options and the rest, and the assignments before it.
 * Undefined if that is not clear. Everything before it must be literal: a computed word may be
 * several words, and then the command would be another one.
 */
function commandStart(
  wrapper: Wrapper,
  args: readonly ShellWord[],
): { assignments: number; command: number } | undefined {
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at];
    if (word === undefined || !word.isStatic) return undefined;
    if (word.text === "--") {
      at++;
      break;
    }
    if (!word.text.startsWith("-")) break;
    if (wrapper.valued?.includes(word.text)) at++;
    else if (wrapper.flags?.test(word.text) !== true) return undefined;
  }
  at += wrapper.positional ?? 0;
  const assignments = at;
  if (wrapper.takesAssignments === true) {
    // `env` takes every word with a `=` for one.
    while (args[at]?.text.includes("=") === true) at++;
  }
  const isClear = args.slice(0, at).every(({ isStatic }) => isStatic);
  return isClear ? { assignments, command: at } : undefined;
}

/** The command of `xargs -I X`, of which every `X` is computed. */
function replaced(
  wrapper: Wrapper,
  options: readonly ShellWord[],
  inner: readonly ShellWord[],
): readonly ShellWord[] {
  const marks = options.flatMap(({ text }, at) =>
    text === wrapper.replaces ? [options[at + 1]?.text ?? ""] : [],
  );
  if (marks.length === 0) return inner;
  return inner.map((word) =>
    marks.some((mark) => word.text.includes(mark)) ? computedWord(word.text) : word,
  );
}

function unwrapEval(args: readonly ShellWord[]): Unwrapped {
  const text = args.map((word) => word.text).join(" ");
  if (!args.every(({ isStatic }) => isStatic)) {
    const scripts = [{ text, isCertain: false }];
    return { ...nothing, scripts, computed: "what `eval` runs is computed" };
  }
  return { commands: [], scripts: [{ text, isCertain: true }], isTransparent: true };
}

function unwrapTrap(args: readonly ShellWord[]): Unwrapped {
  const script = args.find(({ text }) => !text.startsWith("-"));
  if (script === undefined) return nothing;
  const scripts = [{ text: script.text, isCertain: script.isStatic }];
  if (script.isStatic) return { ...nothing, scripts };
  return { ...nothing, scripts, computed: "what `trap` runs is computed" };
}

function unwrapShell(
  program: string,
  args: readonly ShellWord[],
  hereTexts: readonly string[],
): Unwrapped {
  const suspected = [
    ...args.filter(({ text }) => /\s/.test(text)).map(({ text }) => text),
    ...hereTexts,
  ];
  const guesses = suspected.map((text) => ({ text, isCertain: false }));
  const undecided = (computed: string) => ({ ...nothing, scripts: guesses, computed });
  if (otherShells.has(program)) return undecided(`${program} has a language of its own`);
  const [option, script] = args;
  if (option === undefined) return undecided(`${program} runs what it reads`);
  if (!option.isStatic) return undecided(`the arguments of ${program} are computed`);
  if (/^-[eux]*c$/.test(option.text)) {
    if (script?.isStatic !== true) return undecided(`what ${program} runs is computed`);
    // `sh` is one shell here and another there.
    const language = program === "bash" ? ("bash" as const) : ("posix" as const);
    const scripts = [{ text: script.text, isCertain: true, language }];
    return { commands: [], scripts, isTransparent: true };
  }
  // A script in a file is a command like any other, to be allowed by its name.
  if (!option.text.startsWith("-") && !option.text.startsWith("+")) return unwrapFile(args);
  if (/^--(?:version|help)$/.test(option.text)) return nothing;
  return undecided(`the options of ${program} are not understood`);
}

/** A deny rule on a script holds for a shell that reads it. */
function unwrapFile(args: readonly ShellWord[]): Unwrapped {
  const [file, ...rest] = args;
  if (file?.isStatic !== true) return nothing;
  const path = file.text.includes("/") ? file.text : `./${file.text}`;
  const words = [literalWord(path), ...rest];
  return { ...nothing, commands: [{ words, isCertain: false }] };
}

const findActions: ReadonlySet<string> = new Set(["-exec", "-execdir", "-ok", "-okdir"]);

function unwrapFind(args: readonly ShellWord[]): Unwrapped {
  const commands: InnerCommand[] = [];
  const begins =
    args[0]?.isStatic === true &&
    /^[\w./]/.test(args[0].text) &&
    !args.some(({ text }) => text.startsWith("-files0"));
  for (let at = 0; at < args.length; at++) {
    const action = args[at]?.text ?? "";
    if (action === "-delete") commands.push({ words: deletion, isCertain: false });
    if (!findActions.has(action)) continue;
    const rest = args.slice(at + 1);
    const end = rest.findIndex(
      ({ text }, i) => text === ";" || (text === "+" && rest[i - 1]?.text === "{}"),
    );
    if (end === -1) {
      // `find` reports it as a mistake, but another program of that name may not.
      commands.push({ words: rest, isCertain: false });
      return { commands, scripts: [], computed: "`-exec` has no end", isTransparent: false };
    }
    const words = rest.slice(0, end);
    at += end + 1;
    const isDir = action.endsWith("dir");
    const filled = words.map((word) => {
      if (!word.text.includes("{}")) return word;
      const found = computedWord(word.text);
      // The names that are found begin with the folder where the search began.
      return word.text === "{}" && begins && !isDir ? { ...found, mayBeOption: false } : found;
    });
    commands.push({ words: filled, moves: isDir, isCertain: true });
  }
  const isOpen = args.some(({ isStatic, mayBeOption }) => !isStatic && mayBeOption);
  return {
    commands,
    scripts: [],
    isTransparent: false,
    ...defined({ computed: isOpen ? "what `find` does is computed" : undefined }),
  };
}

/** What `find -delete` does to what it finds. */
const deletion: readonly ShellWord[] = [...["rm", "-r", "-f"].map(literalWord), computedArgument];

function unwrapLoosely(args: readonly ShellWord[]): Unwrapped {
  return { commands: suffixes(args), scripts: suspectedScripts(args), isTransparent: false };
}

function suspectedScripts(args: readonly ShellWord[]) {
  const texts = args.filter(({ text }) => /\s/.test(text)).slice(0, 32);
  return texts.map(({ text }) => ({ text, isCertain: false }));
}

/** Every position at which the inner command may begin. */
function suffixes(args: readonly ShellWord[]): InnerCommand[] {
  const starts = args.slice(0, 32);
  return starts.map((_, at) => ({ words: args.slice(at, at + 64), isCertain: false }));
}
