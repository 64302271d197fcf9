// The folder of a session's next command: where the last command ended, if that is inside the
// workspace.
import { constants } from "node:fs";
import { open, realpath, rm, stat } from "node:fs/promises";
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
export async function workingDirectory(
  context: ToolContext,
  resources: ToolResources,
): Promise<WorkingDirectory> {
  const session = resources.session(context.sessionId);
  const last = session.workingDirectory;
  if (last === undefined) return { path: context.workspacePath };
  if (await isFolderInside(context.workspacePath, last)) return { path: last };
  session.workingDirectory = undefined;
  const note = `The working directory ${last} is gone; this ran in the workspace.`;
  return { path: context.workspacePath, note };
}

/** Remembers where a command ended, if that is inside the workspace; otherwise returns a note. */
export async function keepWorkingDirectory(
  cwdFile: string,
  began: WorkingDirectory,
  context: ToolContext,
  resources: ToolResources,
): Promise<string | undefined> {
  const left = await readAndRemove(cwdFile);
  if (left === undefined || left === began.path) return undefined;
  if (!(await isFolderInside(context.workspacePath, left))) {
    return `The working directory stays ${began.path}: ${left} is not a folder of the workspace.`;
  }
  resources.session(context.sessionId).workingDirectory = left;
  return undefined;
}

/** Whether a real path is still that of a folder in the workspace. */
export async function isFolderInside(workspacePath: string, folder: string): Promise<boolean> {
  try {
    const [real, found] = await Promise.all([realpath(folder), stat(folder)]);
    // A path that is no longer real leads elsewhere now.
    return real === folder && isWithin(workspacePath, folder) && found.isDirectory();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

/** A command can write anything into the file. No path is longer than this. */
async function readBeginning(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function readAndRemove(file: string): Promise<string | undefined> {
  try {
    const text = await readBeginning(file);
    await rm(file, { force: true });
    return text.replace(/\n$/, "") || undefined;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
