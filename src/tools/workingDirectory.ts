// The folder of a session's next command: where the last command ended, if that is inside the
// workspace. Direct calls: the ways through the thread pool would take longer than a short command.
import {
  closeSync,
  constants,
  openSync,
  readSync,
  realpathSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { isWithin } from "../base/insideFolder.js";
import { systemErrorCode } from "../base/systemError.js";
import type { ToolResources } from "./resources.js";
import type { ToolContext } from "./tool.js";

/** Where a command runs. */
export interface WorkingDirectory {
  readonly path: string;
  /** A note for the model. */
  readonly note?: string;
}

/** The folder for the next command; the workspace if the previous folder is gone. */
export function workingDirectory(context: ToolContext, resources: ToolResources): WorkingDirectory {
  const session = resources.session(context.sessionId);
  const last = session.workingDirectory;
  if (last === undefined) return { path: context.workspacePath };
  if (isFolderInside(context.workspacePath, last)) return { path: last };
  session.workingDirectory = undefined;
  const note = `The working directory ${last} is gone; this ran in the workspace.`;
  return { path: context.workspacePath, note };
}

/** Remembers where a command ended, if that is inside the workspace; otherwise returns a note. */
export async function keepWorkingDirectory(
  cwdFile: string | undefined,
  began: WorkingDirectory,
  context: ToolContext,
  resources: ToolResources,
): Promise<string | undefined> {
  const left = cwdFile === undefined ? undefined : await readAndRemove(cwdFile);
  if (left === undefined || left === began.path) return undefined;
  if (!isFolderInside(context.workspacePath, left)) {
    return `The working directory stays ${began.path}: ${left} is not a folder of the workspace.`;
  }
  resources.session(context.sessionId).workingDirectory = left;
  return undefined;
}

/** Whether a real path is still that of a folder in the workspace. */
export function isFolderInside(workspacePath: string, folder: string): boolean {
  try {
    // A path that is no longer real leads elsewhere now.
    const isReal = realpathSync.native(folder) === folder;
    return isReal && isWithin(workspacePath, folder) && statSync(folder).isDirectory();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

/** A command can write anything into the file. No path is longer than this. */
function readBeginning(file: string): string {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(4096);
    return buffer.toString("utf8", 0, readSync(handle, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(handle);
  }
}

async function readAndRemove(file: string): Promise<string | undefined> {
  try {
    return readBeginning(file).replace(/\n$/, "") || undefined;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  } finally {
    await removeEndFile(file);
  }
}

/** Removes the file in which a command tells where it ends. Never rejects. */
export async function removeEndFile(file: string | undefined): Promise<void> {
  if (file === undefined) return;
  try {
    unlinkSync(file);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    // The command may have made a folder of it, and put any number of files there.
    await rm(file, { recursive: true, force: true }).catch(() => {
      // It goes with the session. The command has ended, and its result is what matters.
    });
  }
}
