// Folders are made one at a time. Node's own way of making a whole path goes round for ever where
// the system says that a folder's parent is missing and the parent is there: below /proc, or on a
// mount whose server is gone.
import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { systemErrorCode } from "./systemError.js";

/** The permissions of a new folder, as for `chmod`; the process's usual ones unless told. */
export interface FolderOptions {
  readonly mode?: number;
}

/**
 * Makes a folder and those above it that are missing; does nothing where it is there. Takes at most
 * one step for each part of the path.
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

/** As {@link makeFolder}, for what has to be there before anything else can go on. */
export function makeFolderSync(path: string, options: FolderOptions = {}): void {
  const steps = folderSteps(path);
  for (let step = steps.next(); !step.done; ) {
    const { action, folder } = step.value;
    step = steps.next(action === "look" ? lookSync(folder) : makeSync(folder, options));
  }
}

interface Step {
  /** `look` is answered with whether it is a folder, undefined where nothing is there. */
  readonly action: "look" | "make";
  readonly folder: string;
}

/** What to do, step by step. It is told what came of each: an error where it failed. */
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
    // Somebody else may have made it meanwhile.
    const isThere = (yield { action: "look", folder }) === true;
    if (!isThere || systemErrorCode(failure) !== "EEXIST") throw failure;
  }
}

function lookSync(folder: string): boolean | undefined {
  try {
    return toIsDirectory(statSync(folder));
  } catch {
    // Whether it is missing or may not be looked at: the system says so when it is to be made.
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
