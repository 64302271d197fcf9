// What stands at a path now, without following any link: what a rewind compares with what was left.
import { lstat, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { defined } from "../base/defined.js";
import { mostKeptBytes } from "../base/fileKeeper.js";
import { systemErrorCode } from "../base/systemError.js";
import { ToolFailure } from "../tools/failure.js";
import { openRegularFile, versionOf } from "../tools/files/open.js";
import { contentHash } from "./keptContent.js";

/** What stands at a path. */
export type PresentFile =
  | {
      readonly kind: "missing";
      /** Why nothing could be made there, where nothing could. */
      readonly blocked?: string;
    }
  | {
      readonly kind: "file";
      readonly data: Uint8Array;
      readonly hash: string;
      /** As for `chmod`. */
      readonly mode: number;
      /** Tells this state of the file from others; see `versionOf`. */
      readonly version: string;
    }
  /** A file that is larger than what is ever kept. */
  | { readonly kind: "large" }
  /** A folder, a link, a device, or a path that leads elsewhere now. */
  | { readonly kind: "other"; readonly reason: string };

/**
 * Looks at a path that was real when it was noted.
 *
 * @throws the system's error where it cannot be looked at.
 */
export async function lookAt(path: string): Promise<PresentFile> {
  try {
    const status = await lstat(path);
    if (!status.isFile()) return { kind: "other", reason: "It is no regular file any more." };
    return await readPresent(path);
  } catch (error) {
    const code = systemErrorCode(error);
    // A folder of the path is gone, or is a file now: what was there is gone with it.
    if (code === "ENOENT" || code === "ENOTDIR") {
      return { kind: "missing", ...defined({ blocked: await blockedAbove(path) }) };
    }
    if (error instanceof ToolFailure) return { kind: "other", reason: error.message };
    throw error;
  }
}

/** What keeps a file from being made at a missing path: a folder of it is a file, or leads elsewhere. */
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
    // Whoever writes into it just now is seen by the version, here or where it is replaced.
    const hash = await contentHash(data);
    return { kind: "file", data, hash, mode: status.mode & 0o7777, version };
  } finally {
    await handle.close();
  }
}
