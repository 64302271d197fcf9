// Which servers use a data directory, and which of them live (protocol.md section 9). A server holds
// a lock on a file of its own for as long as its process lives; the operating system releases it
// with the process, however that ends. The lock is SQLite's own, so that it works on every platform;
// base/dataFiles.ts says what must never be done with its file. Files can be removed by anybody, so a
// lock that is not there is no proof of death: then the process itself is looked for.
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { lockEnding, locksFolder } from "../base/dataFiles.js";
import { defined } from "../base/defined.js";
import { faultPoint } from "../base/faultPoint.js";
import { makeFolderSync } from "../base/makeFolder.js";
import type { Database, Row } from "./database.js";
import { isHeld } from "./serverLock.js";
import { storageError } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** What tells the process of a server from every other one. */
export interface OwnProcess {
  readonly version: string;
  readonly processId: number;
  /** Where its number means the same; undefined where that cannot be told. */
  readonly place: string | undefined;
  /** What stands for the life of a process here; undefined where no such process lives. */
  lifeOf(processId: number): string | undefined;
}

/** What a server makes itself known with. */
export interface Registration {
  readonly id: string;
  /** In milliseconds since the Unix epoch. */
  readonly now: number;
  readonly own?: OwnProcess;
}

/** Locks without a server are taken away when they are older than this, in milliseconds. */
const strayLockMs = 60_000;

/** This server's entry among those that use the directory. */
export class ServerRegistry {
  readonly id: string;
  readonly #database: Database;
  readonly #directory: string;
  readonly #lock: Sqlite;
  readonly #own: OwnProcess | undefined;

  private constructor(
    { id, own }: Registration,
    parts: { database: Database; directory: string; lock: Sqlite },
  ) {
    this.id = id;
    this.#own = own;
    this.#database = parts.database;
    this.#directory = parts.directory;
    this.#lock = parts.lock;
  }

  /**
   * Takes this server's lock, then makes the server known: never the other way round. The caller
   * keeps what it gets for as long as the server lives: were it collected, the lock would go with it.
   *
   * `alongside` belongs to the same transaction: where it throws, nothing of this start stays.
   *
   * @throws DomainError `StorageFailed` where the lock cannot be taken, and what `alongside` throws.
   */
  static register(
    database: Database,
    dataDirectory: string,
    registration: Registration,
    alongside: (registry: ServerRegistry) => void = () => {},
  ): ServerRegistry {
    const directory = join(dataDirectory, locksFolder);
    const file = lockFile(directory, registration.id);
    let lock: Sqlite | undefined;
    try {
      makeFolderSync(directory, { mode: 0o700 });
      lock = new DatabaseSync(file);
      // Without the pragma a second file would stay behind where the process is killed.
      lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
      const registry = new ServerRegistry(registration, { database, directory, lock });
      registry.#makeKnown(registration, alongside);
      faultPoint("registered");
      registry.#sweep(registration.now);
      return registry;
    } catch (error) {
      if (lock?.isOpen) lock.close();
      removeLock(file);
      throw storageError(file, error);
    }
  }

  #makeKnown({ id, now, own }: Registration, alongside: (registry: ServerRegistry) => void): void {
    const write = () => {
      this.#database
        .prepare(
          "INSERT INTO servers (id, startedAt, processId, life, place, version) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .run(
          id,
          now,
          own?.processId ?? null,
          own?.lifeOf(own.processId) ?? null,
          own?.place ?? null,
          own?.version ?? null,
        );
      alongside(this);
    };
    // Where nobody else was, nothing is taken over that would have to be on the disk.
    if (this.others().length === 0) this.#database.write(write);
    else this.#database.durable(write);
  }

  /** Removes what starts that were killed have left: locks that nobody holds, of no known server. */
  #sweep(now: number): void {
    const known = new Set([this.id, ...this.others().map(({ id }) => id)]);
    for (const name of readdirSync(this.#directory)) {
      const id = name.endsWith(lockEnding) ? name.slice(0, -lockEnding.length) : undefined;
      if (id === undefined || known.has(id)) continue;
      const file = lockFile(this.#directory, id);
      const madeAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? now;
      // One that is new may be of a server that is starting just now.
      if (now - madeAt >= strayLockMs && !isHeld(file)) removeLock(file);
    }
  }

  /** The other servers that are known, living or dead. */
  others(): OtherServer[] {
    return this.#database
      .prepare("SELECT * FROM servers WHERE id <> ? ORDER BY startedAt")
      .all(this.id)
      .map(toOther);
  }

  /** The other servers whose process has ended and that nobody has tidied up after yet. */
  dead(): string[] {
    return this.others()
      .filter((server) => !this.#lives(server))
      .map(({ id }) => id);
  }

  /** Whether the process of a server lives. */
  isAlive(id: string): boolean {
    if (id === this.id) return true;
    const row = this.#database.prepare("SELECT * FROM servers WHERE id = ?").get(id);
    return row !== undefined && this.#lives(toOther(row));
  }

  #lives({ id, processId, life, place }: OtherServer): boolean {
    if (isHeld(lockFile(this.#directory, id))) return true;
    const own = this.#own;
    if (own?.place === undefined || place !== own.place || processId === undefined) return false;
    return life !== undefined && own.lifeOf(processId) === life;
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
      // What is left open is for others to tidy up from now on, though this process lives yet.
      this.#database.prepare("UPDATE servers SET processId = NULL WHERE id = ?").run(this.id);
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

/** Another server, as it made itself known. */
export interface OtherServer extends Partial<Pick<OwnProcess, "version" | "processId" | "place">> {
  readonly id: string;
  readonly startedAt: number;
  readonly life?: string | undefined;
}

function toOther(row: Row): OtherServer {
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  return {
    id: String(row.id),
    startedAt: Number(row.startedAt),
    life: text(row.life),
    ...defined({
      processId: row.processId === null ? undefined : Number(row.processId),
      place: text(row.place),
      version: text(row.version),
    }),
  };
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
