// What files held before they were changed, beside the database: a file for each content, named after
// its SHA-256, in a folder for each session. It costs the event loop nothing, it is freed at once with
// its session, and what a power cut tears is told by its name.
import { createHash } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Ids } from "../base/ids.js";
import { makeFolder } from "../base/makeFolder.js";
import { systemErrorCode } from "../base/systemError.js";

/** So many bytes are hashed before everything else goes on. */
const bytesAtOnce = 1024 * 1024;

/** The hash that tells one content from another. */
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

  /** `directory` is made when first needed, private to the user. */
  constructor(directory: string, ids: Ids) {
    this.#directory = directory;
    this.#ids = ids;
  }

  /** Keeps a content, on the disk itself before it resolves; returns its hash. */
  async put(sessionId: string, data: Uint8Array): Promise<string> {
    const hash = await contentHash(data);
    const folder = this.#folder(sessionId);
    const file = join(folder, hash);
    if (await hasSize(file, data.length)) return hash;
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
    return hash;
  }

  /** A content that was kept; undefined where it is gone, or is not what it was. */
  async get(sessionId: string, hash: string): Promise<Uint8Array | undefined> {
    try {
      const data = await readFile(join(this.#folder(sessionId), hash));
      return (await contentHash(data)) === hash ? data : undefined;
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return undefined;
    }
  }

  /** Frees all that is kept of a session. */
  async forget(sessionId: string): Promise<void> {
    await rm(this.#folder(sessionId), { recursive: true, force: true });
  }

  /** A session's id may be longer than a name may be, and hold whatever a client likes. */
  #folder(sessionId: string): string {
    return join(this.#directory, createHash("sha256").update(sessionId).digest("hex").slice(0, 32));
  }
}

async function hasSize(file: string, size: number): Promise<boolean> {
  try {
    return (await stat(file)).size === size;
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return false;
  }
}
