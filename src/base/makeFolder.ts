// Makes folders one at a time. Node's own recursive way never ends where the system says that a
// folder's parent is missing although the parent is there: below /proc, or on a mount whose server
// is gone.
import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { systemErrorCode } from "./systemError.js";

/** The permissions of a new folder, as for `chmod`. The default is the process's usual ones. */
export interface FolderOptions {
  readonly mode?: number;
}

/**
 * Makes a folder and the missing folders above it. Does nothing if it exists. Takes at most one
 * step for each part of the path.
 *
 * @throws the system's error about the first folder that could not be made; its `path` says which.
 */
export async function makeFolder(path: string, options: FolderOptions = {}): Promise<void> {
  const steps = folderSteps(path);
  for (let step = steps.next(); !step.done; ) {
    const { action, folder } = step.value;
    if (action === "look") {
      step = steps.next(await stat(folder).then(toIsDirectory, () => undefined));
    } else {
      step = steps.next(await mkdir(folder, options).then(() => undefined, asError));
    }
  }
}

/** Like {@link makeFolder}, but synchronous, for a folder without which nothing can go on. */
export function makeFolderSync(path: string, options: FolderOptions = {}): void {
  const steps = folderSteps(path);
  for (let step = steps.next(); !step.done; ) {
    const { action, folder } = step.value;
    step = steps.next(action === "look" ? lookSync(folder) : makeSync(folder, options));
  }
}

interface Step {
  /** The answer to `look` says whether it is a folder; undefined if nothing is there. */
  readonly action: "look" | "make";
  readonly folder: string;
}

/**
 * What to do, step by step. The caller answers each step with its result: an error if it failed.
 */
function* folderSteps(path: string): Generator<Step, void, boolean | Error | undefined> {
  const missing: string[] = [];
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if ((yield { action: "look", folder }) === true) break;
    missing.push(folder);
    if (dirname(folder) === folder) break;
  }
  for (const folder of missing.reverse()) {
    const failure = yield { action: "make", folder };
    if (!(failure instanceof Error)) continue;
    // Another process may have made it meanwhile.
    const isThere = (yield { action: "look", folder }) === true;
    if (!isThere || systemErrorCode(failure) !== "EEXIST") throw failure;
  }
}

function lookSync(folder: string): boolean | undefined {
  try {
    return toIsDirectory(statSync(folder));
  } catch {
    // It is missing, or may not be looked at. The system says which when the folder is made.
    return undefined;
  }
}

function makeSync(folder: string, options: FolderOptions): Error | undefined {
  try {
    mkdirSync(folder, options);
    return undefined;
  } catch (error) {
    return asError(error);
  }
}

function toIsDirectory(found: { isDirectory(): boolean }): boolean {
  return found.isDirectory();
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
