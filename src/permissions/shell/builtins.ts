// Builtins of the shell that evaluate their arguments (a subscript in a variable's name may hold
// `$(…)`), set variables, or change what later commands mean.
import { isOwnVariable } from "./decidable.js";
import type { ShellLanguage, ShellWord } from "./shellLine.js";

/** The side effects of a builtin. */
export interface BuiltinEffect {
  /** Why it is not known what runs, if it is not. */
  readonly computed?: string;
  /** Variables that it sets. */
  readonly sets: readonly string[];
}

const none: BuiltinEffect = { sets: [] };

/** The effect of a command, if it is a builtin. */
export function builtinEffect(words: readonly ShellWord[], language: ShellLanguage): BuiltinEffect {
  const [name, ...args] = words;
  const judge = name?.isStatic === true ? builtins.get(name.text) : undefined;
  const effect = judge?.(args, language) ?? none;
  return { ...effect, sets: effect.sets.filter((one) => !isOwnVariable(one)) };
}

type Judge = (args: readonly ShellWord[], language: ShellLanguage) => BuiltinEffect;

const open = (what: string): BuiltinEffect => ({ sets: [], computed: what });
const meaningChanges: Judge = () => open("it changes what commands mean");
const evaluates = open("it evaluates its arguments");

const names = (args: readonly ShellWord[]): BuiltinEffect => {
  const sets = args.filter(({ text }) => !text.startsWith("-")).map(({ text }) => text);
  const arePlain = args.every(({ isStatic }) => isStatic) && sets.every((one) => isName(one));
  return arePlain ? { sets } : evaluates;
};

const declares: Judge = (args, language) => {
  const sets: string[] = [];
  for (const { shape, isStatic, mayBeOption } of args) {
    if (isStatic && /^-[xrgpf]+$/.test(shape)) continue;
    const variable = /^([A-Za-z_]\w*)(?:=|$)/.exec(shape)?.[1];
    // Only bash always takes the value for one word.
    if (variable === undefined || (mayBeOption && language !== "bash")) return evaluates;
    sets.push(variable);
  }
  return { sets };
};

const reads: Judge = (args) => {
  let at = 0;
  for (; args[at]?.text.startsWith("-") === true; at++) {
    const option = args[at]?.text ?? "";
    if (/^-r?[pntdu]$/.test(option)) at++;
    else if (!/^-[rs]+$/.test(option)) return evaluates;
  }
  return names(args.slice(at));
};

const prints: Judge = ([first, second]) => {
  if (first === undefined) return none;
  if (!first.isStatic) return first.mayBeOption ? evaluates : none;
  if (!first.text.startsWith("-v")) return none;
  const variable = first.text === "-v" ? second : { ...first, text: first.text.slice(2) };
  return variable === undefined ? none : names([variable]);
};

const unaryTest = /^-[a-hknop-uwxzGLNOS]$/;
const binaryTest = /^(?:=|==|!=|<|>|-eq|-ne|-lt|-le|-gt|-ge|-nt|-ot|-ef)$/;

/** Words that might be operators would change the test, and `-v` evaluates what follows. */
const tests: Judge = (args) => {
  const last = args.at(-1);
  const inner = last?.isStatic === true && last.text === "]" ? args.slice(0, -1) : args;
  const words = inner[0]?.isStatic === true && inner[0].text === "!" ? inner.slice(1) : inner;
  if (words.every(({ isStatic }) => isStatic)) {
    return words.some(({ text }) => text === "-v" || text === "-R") ? evaluates : none;
  }
  const isOneWord = (word: ShellWord | undefined) =>
    word !== undefined && (word.isStatic || !word.canSplit);
  const [first, second, third] = words;
  if (words.length === 2 && first?.isStatic && unaryTest.test(first.text) && isOneWord(second)) {
    return none;
  }
  const isBinary = words.length === 3 && second?.isStatic && binaryTest.test(second.text);
  return isBinary && isOneWord(first) && isOneWord(third) ? none : evaluates;
};

const sets: Judge = (args) => {
  const arePlain = args.every(
    ({ text, isStatic }) =>
      isStatic && /^(?:[-+][eux]+|[-+]e?u?x?o|pipefail|errexit|nounset)$/.test(text),
  );
  return arePlain ? none : open("it changes the shell");
};

const shopts: Judge = (args) => {
  const arePlain = args.every(
    ({ text, isStatic }) =>
      isStatic && /^(?:-[suq]|nullglob|globstar|dotglob|failglob|nocaseglob)$/.test(text),
  );
  return arePlain ? none : open("it changes the shell");
};

const waits: Judge = (args) => {
  const arePlain = args.every(
    ({ shape, text }) => /^(?:\d+|%\d+|-n)$/.test(shape) || text === "$!",
  );
  return arePlain ? none : evaluates;
};

const builtins: ReadonlyMap<string, Judge> = new Map<string, Judge>([
  ...["alias", "unalias", "enable", "hash", "bind", "complete", "compgen", "compopt", "fc"].map(
    (name): [string, Judge] => [name, meaningChanges],
  ),
  ...["history", "let", "coproc", "mapfile", "readarray", "caller"].map((name): [string, Judge] => [
    name,
    () => evaluates,
  ]),
  ...["export", "declare", "typeset", "local", "readonly"].map((name): [string, Judge] => [
    name,
    declares,
  ]),
  ["read", reads],
  ["getopts", names],
  ["unset", names],
  ["printf", prints],
  ["test", tests],
  ["[", tests],
  ["set", sets],
  ["shopt", shopts],
  ["wait", waits],
]);

function isName(text: string): boolean {
  return /^[A-Za-z_]\w*$/.test(text);
}
