// Looks at a path as it is now, without following links. A rewind compares this with the content that a run left.
import { lstat, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { defined } from "../base/defined.js";
import type { EditorFile } from "../base/editorFiles.js";
import { mostKeptBytes } from "../base/fileKeeper.js";
import { systemErrorCode } from "../base/systemError.js";
import type { HeldFile } from "../storage/changedFiles.js";
import { ToolFailure } from "../tools/failure.js";
import { openRegularFile, versionOf } from "../tools/files/open.js";
import { contentHash } from "./keptContent.js";

/** What is at a path. */
export type PresentFile =
  | {
      readonly kind: "missing";
      /** If no file can be made there, the reason. */
      readonly blocked?: string;
    }
  | {
      readonly kind: "file";
      readonly data: Uint8Array;
      readonly hash: string;
      /** The permissions, as for `chmod`. */
      readonly mode: number;
      /** Identifies the state of the file on the disk, see `versionOf`. */
      readonly version: string;
      /** Set if this is what an editor has; and the hash of what the disk has. */
      readonly inEditor?: { readonly file: EditorFile; readonly diskHash: string };
    }
  /** A file that is too large to be kept. */
  | { readonly kind: "large" }
  /** A folder, a link, a device, or a path that now leads to another place. */
  | { readonly kind: "other"; readonly reason: string };

/**
 * Looks at a path that was real when it was noted.
 *
 * @throws the system's error if the path cannot be read.
 */
export async function lookAt(path: string): Promise<PresentFile> {
  try {
    const status = await lstat(path);
    if (!status.isFile()) return { kind: "other", reason: "It is no regular file any more." };
    return await readPresent(path);
  } catch (error) {
    const code = systemErrorCode(error);
    // A folder of the path is gone or is now a file, so the file is gone too.
    if (code === "ENOENT" || code === "ENOTDIR") {
      return { kind: "missing", ...defined({ blocked: await blockedAbove(path) }) };
    }
    if (error instanceof ToolFailure) return { kind: "other", reason: error.message };
    throw error;
  }
}

/** Why no file can be made at a missing path: a folder of it is a file, or leads to another place. */
async function blockedAbove(path: string): Promise<string | undefined> {
  const folder = dirname(path);
  try {
    if ((await realpath(folder)) !== folder) return "A folder of its path leads elsewhere now.";
    if (!(await stat(folder)).isDirectory()) return "A folder of its path is a file now.";
    return undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
    return folder === path ? undefined : blockedAbove(folder);
  }
}

async function readPresent(path: string): Promise<PresentFile> {
  const handle = await openRegularFile(path);
  try {
    const status = await handle.stat();
    if (status.size > mostKeptBytes) return { kind: "large" };
    const version = await versionOf(handle);
    const data = await handle.readFile();
    // If somebody writes to the file now, its version changes. That is noticed here or when it is replaced.
    const hash = await contentHash(data);
    return { kind: "file", data, hash, mode: status.mode & 0o7777, version };
  } finally {
    await handle.close();
  }
}

/** Whether a path holds a content; undefined stands for no file. */
export function holds(present: PresentFile, held: HeldFile | undefined): boolean {
  if (held === undefined) return present.kind === "missing";
  return present.kind === "file" && present.hash === held.hash;
}
