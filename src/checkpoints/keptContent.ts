// The contents of files before they were changed. Each content is a file beside the database, in a folder
// for each session. Its name is its SHA-256. So writing it does not hold up the event loop, and deleting
// a session deletes its folder at once. The name also shows whether a power cut has damaged the file.
import { createHash } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Ids } from "../base/ids.js";
import { makeFolder } from "../base/makeFolder.js";
import { systemErrorCode } from "../base/systemError.js";

/** How many bytes are hashed before other work gets its turn. */
const bytesAtOnce = 1024 * 1024;

/** The hash by which a content is known. */
export async function contentHash(data: Uint8Array): Promise<string> {
  const hash = createHash("sha256");
  for (let from = 0; from < data.length; from += bytesAtOnce) {
    if (from > 0) await setImmediate();
    hash.update(data.subarray(from, from + bytesAtOnce));
  }
  return hash.digest("hex");
}

/** The kept contents of all sessions of a data directory. */
export class KeptContent {
  readonly #directory: string;
  readonly #ids: Ids;

  /** `directory` is made when it is first needed. Only the user can read it. */
  constructor(directory: string, ids: Ids) {
    this.#directory = directory;
    this.#ids = ids;
  }

  /** Keeps a content. Resolves with its hash when the content is on the disk. */
  async put(sessionId: string, data: Uint8Array): Promise<string> {
    const hash = await contentHash(data);
    await this.write(sessionId, hash, data);
    return hash;
  }

  /** Keeps a content with a known hash, unless it is kept. Resolves when it is on the disk. */
  async write(sessionId: string, hash: string, data: Uint8Array): Promise<void> {
    const folder = this.#folder(sessionId);
    const file = join(folder, hash);
    if (await hasSize(file, data.length)) return;
    await makeFolder(folder, { mode: 0o700 });
    const temporary = join(folder, `${this.#ids.next("new")}.tmp`);
    try {
      const handle = await open(temporary, "wx", 0o600);
      try {
        await handle.writeFile(data);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** A kept content. Undefined if it is gone or damaged. */
  async get(sessionId: string, hash: string): Promise<Uint8Array | undefined> {
    try {
      const data = await readFile(join(this.#folder(sessionId), hash));
      return (await contentHash(data)) === hash ? data : undefined;
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return undefined;
    }
  }

  /** Deletes all kept contents of a session. */
  async forget(sessionId: string): Promise<void> {
    await rm(this.#folder(sessionId), { recursive: true, force: true });
  }

  #folder(sessionId: string): string {
    return join(this.#directory, keptFolderName(sessionId));
  }
}

/**
 * The name of a session's folder. Its id may be too long for the name of a folder, and may have any
 * characters.
 */
export function keptFolderName(sessionId: string): string {
  return createHash("sha256").update(sessionId).digest("hex").slice(0, 32);
}

async function hasSize(file: string, size: number): Promise<boolean> {
  try {
    return (await stat(file)).size === size;
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return false;
  }
}
