// Which servers use a data directory, and which of them live (contract section 9). A server holds
// a lock on a file of its own for as long as its process lives; the operating system releases it
// with the process, however that ends. The lock is SQLite's own, so that it works on every platform;
// base/dataFiles.ts says what must never be done with its file.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { lockEnding, locksFolder } from "../base/dataFiles.js";
import { faultPoint } from "../base/faultPoint.js";
import { makeFolderSync } from "../base/makeFolder.js";
import type { Database } from "./database.js";
import { storageError } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

const sqliteBusy = 5;

/** This server's entry among those that use the directory. */
export class ServerRegistry {
  readonly id: string;
  readonly #database: Database;
  readonly #directory: string;
  readonly #lock: Sqlite;

  private constructor(id: string, database: Database, directory: string, lock: Sqlite) {
    this.id = id;
    this.#database = database;
    this.#directory = directory;
    this.#lock = lock;
  }

  /**
   * Takes this server's lock, then makes the server known: never the other way round. The caller
   * keeps what it gets for as long as the server lives: were it collected, the lock would go with it.
   */
  static register(
    database: Database,
    dataDirectory: string,
    id: string,
    now: number,
  ): ServerRegistry {
    const directory = join(dataDirectory, locksFolder);
    const file = lockFile(directory, id);
    let lock: Sqlite | undefined;
    try {
      makeFolderSync(directory, { mode: 0o700 });
      lock = new DatabaseSync(file);
      // Without the pragma a second file would stay behind where the process is killed.
      lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
      const registry = new ServerRegistry(id, database, directory, lock);
      database.prepare("INSERT INTO servers (id, startedAt) VALUES (?, ?)").run(id, now);
      faultPoint("registered");
      return registry;
    } catch (error) {
      if (lock?.isOpen) lock.close();
      removeLock(file);
      throw storageError(file, error);
    }
  }

  /** The other servers whose process has ended and that nobody has tidied up after yet. */
  dead(): string[] {
    return this.#database
      .prepare("SELECT id FROM servers WHERE id <> ?")
      .all(this.id)
      .map((row) => String(row.id))
      .filter((id) => !this.isAlive(id));
  }

  /** Whether the process of a server lives. */
  isAlive(id: string): boolean {
    if (id === this.id) return true;
    const file = lockFile(this.#directory, id);
    if (!existsSync(file)) return false;
    let probe: Sqlite | undefined;
    try {
      probe = new DatabaseSync(file, { readOnly: true, timeout: 0 });
      probe.prepare("SELECT count(*) FROM sqlite_master").get();
      return false;
    } catch (error) {
      if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) return true;
      if (!existsSync(file)) return false;
      throw storageError(file, error);
    } finally {
      if (probe?.isOpen) probe.close();
    }
  }

  /** Takes a dead server's entry out. */
  remove(id: string): void {
    this.#database.prepare("DELETE FROM servers WHERE id = ?").run(id);
    this.#database.afterCommit(() => removeLock(lockFile(this.#directory, id)));
  }

  /**
   * Ends this server's entry and releases its lock, the latter in any case. Where the server has left
   * a run open, the entry stays for the next one to tidy up after.
   */
  close(): void {
    try {
      const { changes } = this.#database
        .prepare(
          `DELETE FROM servers WHERE id = ?1
             AND NOT EXISTS (SELECT 1 FROM runs WHERE serverId = ?1 AND state <> 'completed')`,
        )
        .run(this.id);
      this.#lock.close();
      if (changes > 0) removeLock(lockFile(this.#directory, this.id));
    } finally {
      if (this.#lock.isOpen) this.#lock.close();
    }
  }
}

/** A lock file without an entry means nothing, so one that cannot be deleted just now may stay. */
function removeLock(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Another server is looking at it: some systems delete no file that is open.
  }
}

function lockFile(directory: string, id: string): string {
  return join(directory, `${id}${lockEnding}`);
}
