// Replaces or removes a file, only if it still has the content that a run left. No other work happens
// between the last check and the change. So a content that somebody wrote before is never lost.
import { constants, lstatSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { access, link, open, unlink } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Ids } from "../base/ids.js";
import { isWithin } from "../base/insideFolder.js";
import { systemErrorCode } from "../base/systemError.js";
import { FolderAnchor } from "../tools/files/folderAnchor.js";
import type { PresentFile } from "./presentFile.js";

/** The new content of a path, and the state that was seen there. */
export interface Replacement {
  /** Absolute and real. */
  readonly path: string;
  readonly seen: Extract<PresentFile, { kind: "missing" | "file" }>;
  readonly data: Uint8Array;
  /** The permissions of a new file. An existing file keeps its own. */
  readonly mode: number;
}

/** Replaces or makes a file. False if the path has changed in the meantime; then nothing is done. */
export async function replaceFile(replacement: Replacement, ids: Ids): Promise<boolean> {
  const { path, seen, data } = replacement;
  const folder = await FolderAnchor.open(dirname(path));
  const target = folder.path(basename(path));
  const temporary = folder.path(`.${ids.next("turnwire")}.tmp`);
  try {
    if (seen.kind === "file") await access(target, constants.W_OK);
    await writeNew(temporary, data, seen.kind === "file" ? seen.mode : replacement.mode);
    if (seen.kind === "missing") return await putWhereNothingIs(temporary, target);
    if (!isStill(target, seen.version)) return false;
    renameSync(temporary, target);
    return true;
  } finally {
    await removeIfThere(temporary);
    await folder.close();
  }
}

/** Removes a file. False if the path has changed in the meantime; then nothing is done. */
export async function removeFile(
  path: string,
  seen: Extract<PresentFile, { kind: "file" }>,
): Promise<boolean> {
  const folder = await FolderAnchor.open(dirname(path));
  try {
    const target = folder.path(basename(path));
    if (!isStill(target, seen.version)) return false;
    unlinkSync(target);
    return true;
  } finally {
    await folder.close();
  }
}

/** Removes empty folders, from the folder of `path` up to `topmost`. */
export function removeEmptyFolders(path: string, topmost: string): void {
  for (let folder = dirname(path); isWithin(topmost, folder); folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch (error) {
      // Somebody has put something into the folder, or it is gone. The folders above it stay.
      if (systemErrorCode(error) === undefined) throw error;
      return;
    }
  }
}

async function writeNew(path: string, data: Uint8Array, mode: number): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.chmod(mode);
    await handle.writeFile(data);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Gives the file its name with a hard link. A link never replaces a file that was made in the meantime. */
async function putWhereNothingIs(temporary: string, target: string): Promise<boolean> {
  try {
    await link(temporary, target);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EEXIST") return false;
    // The file system has no hard links. Then the check and the renaming follow each other directly.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS" && code !== "EMLINK")
      throw error;
  }
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) return false;
  renameSync(temporary, target);
  return true;
}

function isStill(target: string, version: string): boolean {
  const now = lstatSync(target, { bigint: true, throwIfNoEntry: false });
  if (now === undefined) return false;
  return `${now.dev}:${now.ino}:${now.size}:${now.mtimeNs}` === version;
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}
