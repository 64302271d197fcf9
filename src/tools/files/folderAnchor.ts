// A folder that is held open. So work in it happens in exactly this folder, even if somebody moves
// it or replaces it by a symbolic link.
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../../base/makeFolder.js";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";
import { openReal } from "./open.js";

/** An open folder; `close` it. */
export class FolderAnchor {
  readonly #base: string;
  readonly #handle: FileHandle | undefined;

  private constructor(base: string, handle: FileHandle | undefined) {
    this.#base = base;
    this.#handle = handle;
  }

  /** Opens a folder by its real path. It and its parents are made if they are missing. */
  static async open(real: string): Promise<FolderAnchor> {
    // Windows cannot open folders, so there the path itself is used.
    if (process.platform === "win32") {
      await makeFolder(real);
      return new FolderAnchor(real, undefined);
    }
    try {
      return await FolderAnchor.#openExisting(real);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === "ENOTDIR") {
        throw new ToolFailure("A part of the path is a file, not a folder.", { cause: error });
      }
      if (code !== "ENOENT" || dirname(real) === real) throw error;
    }
    const parent = await FolderAnchor.open(dirname(real));
    try {
      await makeEntry(parent.path(basename(real)));
    } finally {
      await parent.close();
    }
    return FolderAnchor.#openExisting(real);
  }

  static async #openExisting(real: string): Promise<FolderAnchor> {
    const handle = await openReal(real, constants.O_RDONLY | constants.O_DIRECTORY);
    // Linux reaches a folder through its open handle; elsewhere the path was checked just now.
    const base = process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : real;
    return new FolderAnchor(base, handle);
  }

  /** The path of an entry of this folder; valid until `close`. */
  path(name: string): string {
    return join(this.#base, name);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}

async function makeEntry(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    // Somebody else made it meanwhile. That is fine if it is a folder and no link to one.
    if (systemErrorCode(error) !== "EEXIST" || !(await lstat(path)).isDirectory()) throw error;
  }
}
