/** Writes the file that a command was asked for: the whole file, or nothing. */
import { randomUUID } from "node:crypto";
import { open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { messageOf } from "../base/errors.js";
import { explainSystemError, systemErrorCode } from "../base/systemError.js";

/**
 * Puts a text into a file: it writes a new file beside it and renames that file. Symbolic links are
 * followed. A path that is not a file (`/dev/stdout`, a named pipe) is written to directly. Rejects
 * with an error that names the path and the reason; the old content is then unchanged.
 */
export async function writeFileWhole(path: string, text: string): Promise<void> {
  try {
    await writeWhole(path, text);
  } catch (error) {
    const reason = explainSystemError(error) ?? messageOf(error);
    throw new Error(`${path} cannot be written: ${reason}`, { cause: error });
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return path;
    throw error;
  });
  const before = await stat(target).catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (before !== undefined && !before.isFile()) return writeTo(target, "w", text);
  const made = join(dirname(target), `.${basename(target).slice(0, 100)}.${randomUUID()}`);
  try {
    await writeTo(made, "wx", text, before === undefined ? undefined : before.mode & 0o777);
    await rename(made, target);
  } catch (error) {
    await rm(made, { force: true });
    throw error;
  }
}

async function writeTo(path: string, flags: string, text: string, mode?: number): Promise<void> {
  const handle = await open(path, flags, mode ?? 0o666);
  try {
    if (mode !== undefined) await handle.chmod(mode);
    await handle.writeFile(text);
    if (flags === "wx") await handle.sync();
  } finally {
    await handle.close();
  }
}
