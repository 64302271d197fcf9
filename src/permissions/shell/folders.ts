// In which folder the commands of a line run. After a `cd`, a name such as `./build.sh` is another
// program, and `npm test` runs what the files of the new folder say.
import { posix } from "node:path";
import type { AndOr, Script } from "unbash";
import { leadsTo } from "../../base/leadsTo.js";
import { readWord } from "./words.js";

/** The folders that a piece of a line may run in; undefined if they are not known. */
export type Folders = readonly string[] | undefined;

/** Builtins that change the folder. */
export function changesFolder(name: string): boolean {
  return name === "cd" || name === "pushd" || name === "popd";
}

/** A `cd` at the beginning of a line, to a folder that is written out. */
export interface LeadingMove {
  /** The beginning and end of the text in which the `cd` has certainly succeeded. */
  readonly inside: { readonly pos: number; readonly end: number };
  /** The end of the `cd` itself. */
  readonly end: number;
  readonly target: string;
}

/** Where a line begins, and how its `cd` finds a folder. */
export interface LineStart {
  /** The real folder. */
  readonly folder: string;
  /** Whether the shell that runs the line has no `CDPATH` from its surroundings. */
  readonly hasNoCdpath: boolean;
}

/** The `cd` at the beginning of a line, alone or before `&&`. Links are looked for on the disk. */
export function leadingMove(script: Script, start: LineStart): LeadingMove | undefined {
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

/** The real folder that a path means; undefined if a link or `CDPATH` could make it another one. */
function resolveFolder({ folder, hasNoCdpath }: LineStart, path: string): string | undefined {
  if (path === "") return undefined;
  const isSearched = !/^(?:\/|\.\.?(?:\/|$))/.test(path);
  if (isSearched && !hasNoCdpath) return undefined;
  // Before `..` a name may be a link, or missing.
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  const first = names.findIndex((name) => name !== "..");
  if (first !== -1 && names.includes("..", first)) return undefined;
  const target = posix.resolve(folder, path);
  return leadsTo(target) === target ? target : undefined;
}
