// Commands that run other commands: what is inside of them. What is certain counts for allow and for
// deny rules; what is only suspected counts for deny rules, so there it may be too much.
import type { ShellWord } from "./shellLine.js";
import { knownShells, looseWrappers, otherShells, type Wrapper, wrappers } from "./wrapperTable.js";

/** What a command runs. */
export interface Unwrapped {
  /** Commands, each in its words. */
  readonly commands: readonly {
    readonly words: readonly ShellWord[];
    readonly isCertain: boolean;
  }[];
  /** Texts that it runs as shell lines. */
  readonly scripts: readonly { readonly text: string; readonly isCertain: boolean }[];
  /** Why it is not known what it runs. */
  readonly computed?: string;
  readonly isTransparent: boolean;
}

const nothing: Unwrapped = { commands: [], scripts: [], isTransparent: false };
const computedArgument: ShellWord = { text: "$@", isStatic: false };

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
    // Only asks where a program is.
    if (program === "command" && /^-[vV]$/.test(args[0]?.text ?? "")) return nothing;
    if (wrapper !== undefined) return unwrapArguments(program, wrapper, args);
    if (program === "eval") return unwrapEval(args);
    if (program === "trap") return { ...unwrapTrap(args), isTransparent: false };
    if (program === "find") return unwrapFind(args);
    if (knownShells.has(program) || otherShells.has(program)) {
      return unwrapShell(program, args, hereTexts);
    }
    return looseWrappers.has(program) ? unwrapLoosely(args) : nothing;
  })();
  return { ...found, isTransparent: found.isTransparent && isPlain };
}

function unwrapArguments(program: string, wrapper: Wrapper, args: readonly ShellWord[]): Unwrapped {
  const suspected = suffixes(args);
  const start = commandStart(wrapper, args);
  if (start === undefined) {
    const computed = `the options of ${program} are not understood`;
    return { commands: suspected, scripts: [], computed, isTransparent: false };
  }
  const inner = args.slice(start);
  const isBare = inner.length === 0;
  const words = wrapper.addsArguments === true && !isBare ? [...inner, computedArgument] : inner;
  return {
    commands: isBare ? [] : [{ words, isCertain: true }, ...suspected],
    scripts: [],
    isTransparent: wrapper.isTransparent === true && !isBare,
  };
}

/** Where the command begins behind options and the rest; undefined when that is not clear. */
function commandStart(wrapper: Wrapper, args: readonly ShellWord[]): number | undefined {
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
  if (wrapper.takesAssignments === true) {
    while (/^[A-Za-z_]\w*=/.test(args[at]?.text ?? "")) at++;
  }
  return at;
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
    const scripts = [{ text: script.text, isCertain: true }];
    return { commands: [], scripts, isTransparent: true };
  }
  // A script in a file is a command like any other, to be allowed by its name.
  if (!option.text.startsWith("-") && !option.text.startsWith("+")) return nothing;
  if (/^--(?:version|help)$/.test(option.text)) return nothing;
  return undecided(`the options of ${program} are not understood`);
}

const findActions: ReadonlySet<string> = new Set(["-exec", "-execdir", "-ok", "-okdir"]);

function unwrapFind(args: readonly ShellWord[]): Unwrapped {
  const commands: { words: readonly ShellWord[]; isCertain: boolean }[] = [];
  for (let at = 0; at < args.length; at++) {
    if (!findActions.has(args[at]?.text ?? "")) continue;
    const rest = args.slice(at + 1);
    const end = rest.findIndex(({ text }) => text === ";" || text === "+");
    const words = end === -1 ? rest : rest.slice(0, end);
    const filled = words.map((word) => (word.text.includes("{}") ? fileArgument(word) : word));
    commands.push({ words: filled, isCertain: true });
  }
  return { commands, scripts: [], isTransparent: false };
}

/** An argument of which a file's name becomes a part. */
function fileArgument(word: ShellWord): ShellWord {
  return { text: word.text, isStatic: false };
}

function unwrapLoosely(args: readonly ShellWord[]): Unwrapped {
  const scripts = args.filter(({ text }) => /\s/.test(text)).map(({ text }) => text);
  return {
    commands: suffixes(args),
    scripts: scripts.map((text) => ({ text, isCertain: false })),
    isTransparent: false,
  };
}

/** Wherever the command may begin. */
function suffixes(args: readonly ShellWord[]): { words: ShellWord[]; isCertain: false }[] {
  const bounded = args.slice(0, 32);
  return bounded.map((_, at) => ({ words: args.slice(at), isCertain: false as const }));
}
