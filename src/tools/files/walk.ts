// Walks a folder for `ls`, `glob` and `grep`: without what git ignores, never through a symbolic
// link, near entries before far ones, and only up to a limit.
import type { Dirent } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { join, relative } from "node:path";
import { toSlashes } from "../../base/insideFolder.js";
import { systemErrorCode } from "../../base/systemError.js";
import { inLimitedBatches } from "../timeLimit.js";
import { IgnoreRules } from "./ignoreRules.js";
import { filterInSlices } from "./inSlices.js";
import type { SearchScope } from "./searchScope.js";

/** An entry that a walk found. */
export interface WalkEntry {
  /** Absolute. */
  readonly path: string;
  readonly name: string;
  /** From the walk's start, with `/`. */
  readonly relative: string;
  readonly kind: "file" | "folder" | "link" | "other";
}

/** The entries of one folder, sorted by name. */
export interface WalkedFolder {
  /** From the walk's start, with `/`; empty for the start itself. */
  readonly relative: string;
  readonly entries: readonly WalkEntry[];
}

export interface WalkOptions {
  /** Where to begin: absolute and real. */
  readonly start: string;
  readonly workspacePath: string;
  readonly signal: AbortSignal;
  /** What may be shown and entered; everything by default. */
  readonly scope?: SearchScope;
  /** How many levels; all by default. */
  readonly depth?: number;
  /** The walk ends after this many entries. */
  readonly maxEntries?: number;
}

const defaultMaxEntries = 200_000;

/** A walk; iterate it once. */
export class Walk implements AsyncIterable<WalkedFolder> {
  readonly #options: WalkOptions;
  #entries = 0;
  #isCutShort = false;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** Whether the walk ended at its bound and there is more. */
  get isCutShort(): boolean {
    return this.#isCutShort;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WalkedFolder> {
    const { start, workspacePath, signal } = this.#options;
    const maxEntries = this.#options.maxEntries ?? defaultMaxEntries;
    const depth = this.#options.depth ?? Number.POSITIVE_INFINITY;
    let level = [{ path: start, rules: await IgnoreRules.forWalk(start, workspacePath) }];
    for (let levels = 0; level.length > 0 && levels < depth; levels++) {
      const next: typeof level = [];
      for (const { path, rules: outer } of level) {
        signal.throwIfAborted();
        const rules = await outer.enter(path);
        const found = await listed(await readFolder(path, path === start), path, start, rules);
        const entries = await this.#inScope(found);
        this.#entries += entries.length;
        yield { relative: toSlashes(relative(start, path)), entries };
        if (this.#entries > maxEntries) {
          this.#isCutShort = true;
          return;
        }
        for (const entry of entries) {
          if (entry.kind === "folder") next.push({ path: entry.path, rules });
        }
      }
      level = next;
    }
  }

  async #inScope(entries: WalkEntry[]): Promise<WalkEntry[]> {
    const { scope, signal } = this.#options;
    if (scope === undefined) return entries;
    return filterInSlices(entries, (entry) => scope.mayShow(entry), signal);
  }
}

async function readFolder(path: string, isStart: boolean): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    // It was replaced by a symbolic link while it was read, so this may be another folder's list.
    return (await realpath(path)) === path ? entries : [];
  } catch (error) {
    // A folder that may not be read, or that is gone, is shown as empty; but not the start.
    if (!isStart && systemErrorCode(error) !== undefined) return [];
    throw error;
  }
}

function listed(
  found: Dirent[],
  folder: string,
  start: string,
  rules: IgnoreRules,
): Promise<WalkEntry[]> {
  const sorted = found
    .filter((entry) => !IgnoreRules.isAlwaysIgnored(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const message = "The rules of a .gitignore take too long to match; name a deeper `path`.";
  return inLimitedBatches(sorted, message, (batch) =>
    batch.flatMap((entry) => {
      const path = join(folder, entry.name);
      if (rules.ignores(path, entry.isDirectory())) return [];
      const way = toSlashes(relative(start, path));
      return [{ path, name: entry.name, relative: way, kind: kindOf(entry) }];
    }),
  );
}

function kindOf(entry: Dirent): WalkEntry["kind"] {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  return entry.isSymbolicLink() ? "link" : "other";
}
