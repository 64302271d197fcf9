// Options as sets: `rm -r -f`, `rm --recursive --force` and `rm -fr` are one command. A deny rule
// recognises a command by its options, in every order and spelling.
import { computedMark, type ShellWord } from "./shellLine.js";

/** How the options of a program are written. */
interface OptionTable {
  /** Each letter of a cluster, with the options that it stands for. */
  readonly letters: ReadonlyMap<string, readonly string[]>;
  readonly long: readonly string[];
  /** Letters that take the rest of the cluster, or the next word, as a value. */
  readonly valued: string;
}

/**
 * Builds a table from: letters, as in `a=recursive,archive f=force`; names without a letter;
 * letters with a value.
 */
function table(letters: string, names: string, valued = ""): OptionTable {
  const pairs = letters.split(/\s+/).map((pair): [string, readonly string[]] => {
    const [letter = "", options = ""] = pair.split("=");
    return [letter, options.split(",")];
  });
  const long = [...pairs.flatMap(([, options]) => options), ...names.split(/\s+/)];
  return { letters: new Map(pairs), long: [...new Set(long)], valued };
}

const copying = table(
  `a=recursive,archive r=recursive R=recursive f=force i=interactive n=no-clobber l=link s=symbolic
   u=update b=backup T=no-target-directory v=verbose L=dereference`,
  "target-directory suffix remove-destination strip-trailing-slashes parents preserve",
  "tS",
);
const owning = table(
  "R=recursive f=silent,quiet v=verbose c=changes h=no-dereference",
  "dereference reference preserve-root no-preserve-root from",
);

const tables: ReadonlyMap<string, OptionTable> = new Map([
  [
    "rm",
    table(
      "r=recursive R=recursive f=force i=interactive I=interactive d=dir v=verbose",
      "one-file-system preserve-root no-preserve-root",
    ),
  ],
  ["cp", copying],
  ["mv", copying],
  ["ln", copying],
  ["chmod", owning],
  ["chown", owning],
  ["chgrp", owning],
  ["mkdir", table("p=parents v=verbose", "mode", "m")],
  [
    "git push",
    table(
      "f=force d=delete n=dry-run u=set-upstream q=quiet v=verbose",
      `force-with-lease force-if-includes mirror all tags follow-tags prune no-verify porcelain
       atomic`,
      "o",
    ),
  ],
  ["git reset", table("q=quiet N=intent-to-add", "hard soft mixed merge keep")],
  ["git clean", table("f=force n=dry-run q=quiet i=interactive", "exclude", "e")],
  [
    "git branch",
    table("D=delete,force d=delete f=force m=move M=move,force c=copy C=copy,force", ""),
  ],
  ["git checkout", table("f=force q=quiet", "orphan")],
  ["git tag", table("d=delete f=force a=annotate", "", "mF")],
  ["git commit", table("a=all n=no-verify v=verbose q=quiet s=signoff", "amend message", "mFCct")],
]);

/** A command as a set of options and the rest. */
export interface OptionSet {
  readonly options: ReadonlySet<string>;
  /** The words that are no options; computed ones contain marks. */
  readonly operands: readonly string[];
  /** Whether an operand may be the value of the option before it, for each. */
  readonly mayBeValue: readonly boolean[];
  /** Whether it may have unknown options. */
  readonly isOpen: boolean;
}

/** Reads the arguments of a program (`rm`, `git push`) as a set of options and the rest. */
export function readOptions(program: string, args: readonly ShellWord[]): OptionSet {
  const known = tables.get(program);
  const options = new Set<string>();
  const operands: string[] = [];
  const mayBeValue: boolean[] = [];
  let isOpen = false;
  let hasEnded = false;
  let followsOption = false;
  for (const word of args) {
    const { shape, isStatic, mayBeOption } = word;
    if (!hasEnded && shape === "--") {
      hasEnded = true;
    } else if (!hasEnded && isStatic && /^-./s.test(shape)) {
      for (const option of optionsOf(known, shape)) options.add(option);
      followsOption = true;
    } else {
      if (!isStatic && mayBeOption && !hasEnded) isOpen = true;
      if (program === "git push" && shape.startsWith("+")) options.add("force");
      if (program === "git push" && shape.startsWith(":")) options.add("delete");
      operands.push(shape);
      mayBeValue.push(followsOption);
      followsOption = false;
    }
  }
  return { options, operands, mayBeValue, isOpen };
}

/** The options that a word stands for. An option of no table is a name by itself. */
function optionsOf(known: OptionTable | undefined, word: string): readonly string[] {
  if (word.startsWith("--")) {
    const [name = ""] = word.slice(2).split("=");
    const full = known?.long.filter((one) => one.startsWith(name)) ?? [];
    return full.length > 0 && !full.includes(name) ? full : [name];
  }
  if (known === undefined) return [word];
  const found: string[] = [];
  for (const letter of word.slice(1)) {
    if (known.valued.includes(letter)) return [...found, letter];
    found.push(...(known.letters.get(letter) ?? [letter]));
  }
  return found;
}

/** Whether two texts, in which `*` and {@link computedMark} stand for anything, can be the same. */
export function canBeSame(pattern: string, shape: string): boolean {
  // Too long to be worth the time, so the answer is yes.
  if (pattern.length * shape.length > 1_000_000) return true;
  let reachable = new Set<number>([0]);
  const isAny = (text: string, at: number, any: string) => text[at] === any;
  const close = (states: Set<number>) => {
    for (const at of states) if (isAny(shape, at, computedMark)) states.add(at + 1);
    return states;
  };
  close(reachable);
  for (let p = 0; p < pattern.length; p++) {
    const next = new Set<number>();
    if (isAny(pattern, p, "*")) {
      const first = Math.min(...reachable);
      for (let at = first; at <= shape.length; at++) next.add(at);
    } else {
      for (const at of reachable) {
        if (isAny(shape, at, computedMark)) next.add(at);
        else if (shape[at] === pattern[p]) next.add(at + 1);
      }
    }
    if (next.size === 0) return false;
    reachable = close(next);
  }
  return reachable.has(shape.length);
}
