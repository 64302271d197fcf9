// Replaces a file's content so that a reader sees the old or the new content, never a part.
import { constants, type Stats } from "node:fs";
import { access, lstat, open, rename, unlink } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Ids } from "../../base/ids.js";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";
import { FolderAnchor } from "./folderAnchor.js";
import { type FileVersion, openRegularFile, versionOf } from "./open.js";

/** What to write, and what must be there before the write. */
export interface AtomicWrite {
  /** Absolute and real; missing folders are made. */
  readonly real: string;
  readonly content: Uint8Array;
  /** The version that is replaced; undefined when there must be no file yet. */
  readonly replaces: FileVersion | undefined;
  /**
   * Called when the new content is written and before it takes its place; where it rejects, it does
   * not. `madeFolder` is the topmost folder that was made for the file.
   */
  keep?(madeFolder: string | undefined): Promise<void>;
}

/**
 * Writes a new file beside it, then renames it; the mode is kept. A hard-linked name becomes a
 * separate file.
 * @returns the new version.
 * @throws ToolFailure if the file is not the version to be replaced.
 */
export async function writeAtomically(write: AtomicWrite, ids: Ids): Promise<FileVersion> {
  const madeFolder = await topmostMissing(dirname(write.real));
  const folder = await FolderAnchor.open(dirname(write.real));
  const target = folder.path(basename(write.real));
  const temporary = folder.path(`.${ids.next("turnwire")}.tmp`);
  try {
    const existing = await existingFile(target);
    if (existing !== undefined) await access(target, constants.W_OK);
    const version = await writeNew(temporary, write.content, existing);
    await write.keep?.(madeFolder);
    await requireVersion(write);
    await rename(temporary, target);
    return version;
  } catch (error) {
    await removeIfThere(temporary);
    throw error;
  } finally {
    await folder.close();
  }
}

/** The topmost folder of a path that is not there; undefined where all are. */
async function topmostMissing(folder: string): Promise<string | undefined> {
  let missing: string | undefined;
  for (let at = folder; dirname(at) !== at; at = dirname(at)) {
    try {
      await lstat(at);
      return missing;
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") return missing;
      missing = at;
    }
  }
  return missing;
}

async function writeNew(
  path: string,
  content: Uint8Array,
  existing: Stats | undefined,
): Promise<FileVersion> {
  const handle = await open(path, "wx", existing === undefined ? 0o666 : 0o600);
  try {
    if (existing !== undefined) await handle.chmod(existing.mode & 0o7777);
    await handle.writeFile(content);
    await handle.datasync();
    return await versionOf(handle);
  } finally {
    await handle.close();
  }
}

/**
 * This check is as late as possible: a change between it and the rename is lost, which cannot be
 * prevented.
 */
async function requireVersion(write: AtomicWrite): Promise<void> {
  const now = await currentVersion(write.real);
  if (now === write.replaces) return;
  throw new ToolFailure(
    "The file was changed by somebody else just now; nothing was written. Read it again with `read`.",
  );
}

/** The version of the file at a real path; undefined when there is none. */
export async function currentVersion(real: string): Promise<FileVersion | undefined> {
  try {
    const handle = await openRegularFile(real);
    try {
      return await versionOf(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function existingFile(path: string): Promise<Stats | undefined> {
  try {
    const status = await lstat(path);
    if (status.isFile()) return status;
    throw new ToolFailure(
      status.isDirectory() ? "It is a folder, not a file." : "It is no regular file.",
    );
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}
