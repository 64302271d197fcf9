// What git would not list: the rules of every .gitignore from the repository's root downwards.
import { lstat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import ignore from "ignore";
import { isWithin, toSlashes } from "../../base/insideFolder.js";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";
import { openRegularFile } from "./open.js";

/** A larger file is no list of rules that a person wrote. */
const maxFileBytes = 1024 * 1024;

/** Never listed, even if the rules would list them: git's own data and installed packages. */
const alwaysIgnored: ReadonlySet<string> = new Set([".git", "node_modules"]);

interface RuleFile {
  readonly folder: string;
  readonly rules: ignore.Ignore;
}

/** The rules that hold in one folder; immutable. */
export class IgnoreRules {
  readonly #files: readonly RuleFile[];

  private constructor(files: readonly RuleFile[]) {
    this.#files = files;
  }

  /**
   * The rules for a walk that begins at `start` (real): those of the git repository around it, or,
   * where there is none, of the workspace. If the start itself is ignored, it was asked for by
   * name; then only its own rules apply.
   */
  static async forWalk(start: string, workspacePath: string): Promise<IgnoreRules> {
    const fallback = isWithin(workspacePath, start) ? workspacePath : start;
    const top = (await repositoryAround(start)) ?? fallback;
    let rules = new IgnoreRules([]);
    for (const folder of foldersBetween(top, start)) {
      if (rules.ignores(folder, true)) return new IgnoreRules([]);
      if (folder === top) rules = await rules.#withFile(folder, join(".git", "info", "exclude"));
      if (folder !== start) rules = await rules.enter(folder);
    }
    return rules;
  }

  /** The rules inside a folder: these, plus those of its own `.gitignore`. */
  enter(folder: string): Promise<IgnoreRules> {
    return this.#withFile(folder, ".gitignore");
  }

  /** Whether a path (absolute), whose folders are not ignored, is. The deepest rule decides. */
  ignores(path: string, isDirectory: boolean): boolean {
    for (const { folder, rules } of this.#files.toReversed()) {
      const way = toSlashes(relative(folder, path));
      if (way === "") continue;
      const verdict = rules.test(isDirectory ? `${way}/` : way);
      if (verdict.ignored) return true;
      if (verdict.unignored) return false;
    }
    return false;
  }

  /** Whether a name is left out of every listing. */
  static isAlwaysIgnored(name: string): boolean {
    return alwaysIgnored.has(name);
  }

  async #withFile(folder: string, name: string): Promise<IgnoreRules> {
    const text = await readRules(join(folder, name));
    if (text === undefined) return this;
    return new IgnoreRules([
      ...this.#files,
      { folder, rules: ignore({ ignorecase: false }).add(text) },
    ]);
  }
}

async function readRules(path: string): Promise<string | undefined> {
  try {
    const handle = await openRegularFile(path);
    try {
      if ((await handle.stat()).size > maxFileBytes) return undefined;
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    // There are no rules, or they may not be read. Then they ignore nothing.
    if (error instanceof ToolFailure || systemErrorCode(error) !== undefined) return undefined;
    throw error;
  }
}

async function repositoryAround(start: string): Promise<string | undefined> {
  for (let folder = start; ; folder = dirname(folder)) {
    if (await exists(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== undefined) return false;
    throw error;
  }
}

/** From `top` down to `start`, both included. */
function foldersBetween(top: string, start: string): string[] {
  const folders: string[] = [];
  for (let folder = start; ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (folder === top || dirname(folder) === folder) return folders;
  }
}
