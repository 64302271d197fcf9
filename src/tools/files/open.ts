// Opens exactly the file that was checked. Between the check of a path and its opening, somebody
// may replace a folder by a symbolic link. So after the opening, the real path of the open file is
// checked.
import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, stat } from "node:fs/promises";
import { isLockedDataFile } from "../../base/dataFiles.js";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";

const swapped =
  "The path was replaced by another while it was being opened; nothing was done. Try again.";

/**
 * Opens a path that is absolute and real, and makes sure that it is still real. Never waits for the
 * other end of a named pipe.
 * @throws ToolFailure when a symbolic link took its place meanwhile, or when it is a file that the
 *   server itself holds locked; the system's error otherwise.
 */
export async function openReal(real: string, flags: number): Promise<FileHandle> {
  if (isLockedDataFile(real)) {
    throw new ToolFailure("The path is a file of the server's own database; no tool opens it.");
  }
  let handle: FileHandle;
  try {
    handle = await open(real, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemErrorCode(error) === "ELOOP") throw new ToolFailure(swapped, { cause: error });
    throw error;
  }
  try {
    if (!(await isOpenAt(handle, real))) throw new ToolFailure(swapped);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Opens a regular file for reading, like {@link openReal}. */
export async function openRegularFile(real: string): Promise<FileHandle> {
  const handle = await openReal(real, constants.O_RDONLY);
  try {
    const status = await handle.stat();
    if (status.isDirectory()) throw new ToolFailure("The path is a folder; use `ls`.");
    if (!status.isFile()) {
      throw new ToolFailure("The path is no regular file (a pipe, a socket or a device).");
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function isOpenAt(handle: FileHandle, real: string): Promise<boolean> {
  const known = await pathOfOpenFile(handle);
  if (known !== undefined) return known === real;
  // The kernel does not tell. So the path must still be real, and lead to the file that was opened.
  const [now, opened, there] = await Promise.all([realpath(real), handle.stat(), stat(real)]);
  return now === real && opened.dev === there.dev && opened.ino === there.ino;
}

/** The path of an open file according to the kernel; undefined if it does not tell. */
async function pathOfOpenFile(handle: FileHandle): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  try {
    return await readlink(`/proc/self/fd/${handle.fd}`);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Identifies one state of a file without reading it: by its identity, size and time of change. A
 * file that was replaced has another identity.
 */
export type FileVersion = string;

/** The version of an open file. */
export async function versionOf(handle: FileHandle): Promise<FileVersion> {
  const status = await handle.stat({ bigint: true });
  return `${status.dev}:${status.ino}:${status.size}:${status.mtimeNs}`;
}
