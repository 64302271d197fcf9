// In which folder the commands of a line run: a name such as `./build.sh` is another program after a
// `cd`, and `npm test` runs what the folder's own files say.
import { posix } from "node:path";
import type { AndOr, Script } from "unbash";
import { readWord } from "./words.js";

/** The folders that a piece of a line may run in; undefined where that is not known. */
export type Folders = readonly string[] | undefined;

/** Builtins that change the folder. */
export function changesFolder(name: string): boolean {
  return name === "cd" || name === "pushd" || name === "popd";
}

/** A `cd` that a line begins with, to a folder that is written out. */
export interface LeadingMove {
  /** Where the text begins and ends in which the `cd` has certainly succeeded. */
  readonly inside: { readonly pos: number; readonly end: number };
  /** The end of the `cd` itself. */
  readonly end: number;
  readonly target: string;
}

/** The `cd` that a line begins with, alone or before `&&`. */
export function leadingMove(script: Script, start: string): LeadingMove | undefined {
  const [first] = script.commands;
  if (first === undefined || first.background === true) return undefined;
  const chain = first.command.type === "AndOr" ? first.command : undefined;
  const command = chain === undefined ? first.command : chain.commands[0];
  if (command?.type !== "Command" || command.name === undefined) return undefined;
  if (readWord(command.name).text !== "cd" || command.prefix.length > 0) return undefined;
  const [argument] = command.suffix;
  if (command.suffix.length !== 1 || argument?.type !== "Word") return undefined;
  const { text, isStatic } = readWord(argument);
  const target = isStatic && !/^[~-]/.test(argument.text) ? resolveFolder(start, text) : undefined;
  if (target === undefined) return undefined;
  const end = command.end;
  return {
    inside: { pos: end, end: chain === undefined ? end : endOfSuccess(chain) },
    end,
    target,
  };
}

/** Where in `cd x && a && b || c` it is no longer certain that the `cd` succeeded. */
function endOfSuccess(chain: AndOr): number {
  const or = chain.operators.indexOf("||");
  return (or === -1 ? chain.commands.at(-1) : chain.commands[or])?.end ?? chain.pos;
}

/** The folder that a path means; undefined where links could make it another one. */
function resolveFolder(start: string, path: string): string | undefined {
  // A link may lie before `..`, and `CDPATH` leads anywhere from a name alone.
  if (path === "" || /[^./][^/]*\/(?:.*\/)?\.\.(?:\/|$)/.test(path)) return undefined;
  return posix.resolve(start, path);
}
