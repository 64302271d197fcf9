// Registers this server among those that use a data directory, and tells which others live
// (protocol.md section 9).
import { readdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "@photostructure/sqlite";
import { lockEnding, locksFolder } from "../base/dataFiles.js";
import { faultPoint } from "../base/faultPoint.js";
import { makeFolderSync } from "../base/makeFolder.js";
import { ConnectionStore } from "./connectionStore.js";
import type { Database } from "./database.js";
import { lives, type OtherServer, type OwnProcess, toOther } from "./knownServers.js";
import { isHeld, lockFile, removeLock, takeLock } from "./serverLock.js";
import { storageError } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** The values with which a server registers itself. */
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
  readonly #connections: ConnectionStore;
  readonly #directory: string;
  readonly #registration: Registration;
  #lock: Sqlite;
  readonly #own: OwnProcess | undefined;

  private constructor(
    registration: Registration,
    parts: { database: Database; directory: string; lock: Sqlite },
  ) {
    this.id = registration.id;
    this.#own = registration.own;
    this.#registration = registration;
    this.#database = parts.database;
    this.#connections = new ConnectionStore(parts.database);
    this.#directory = parts.directory;
    this.#lock = parts.lock;
  }

  /**
   * Takes this server's lock, and then registers the server; never in the other order. The caller
   * must keep the returned object while the server lives: if it were garbage collected, the lock
   * would be released.
   *
   * `alongside` runs in the same transaction: if it throws, nothing of this start stays.
   *
   * @throws DomainError `StorageFailed` if the lock cannot be taken, and every error of
   * `alongside`.
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
      lock = takeLock(file);
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
      // An older server keeps the file at its schema, so there is no column for the steps of this
      // one.
      if (this.#connections.isKept) {
        this.#database
          .prepare("UPDATE servers SET schema = ? WHERE id = ?")
          .run(this.#database.knownSteps, id);
      }
      alongside(this);
    };
    // If there was no other server, nothing is taken over that must be on disk.
    if (this.others().length === 0) this.#database.write(write);
    else this.#database.durable(write);
  }

  /**
   * Removes locks that killed starts have left: nobody holds them, and no known server has them.
   */
  #sweep(now: number): void {
    const known = new Set([this.id, ...this.others().map(({ id }) => id)]);
    for (const name of readdirSync(this.#directory)) {
      const id = name.endsWith(lockEnding) ? name.slice(0, -lockEnding.length) : undefined;
      if (id === undefined || known.has(id)) continue;
      const file = lockFile(this.#directory, id);
      const madeAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? now;
      // A new one may belong to a server that is starting now.
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

  /** The other servers whose process has ended, and whose runs nobody has ended yet. */
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

  #lives(server: OtherServer): boolean {
    return lives(server, this.#directory, this.#own);
  }

  /**
   * Notes on the lock's file that this server lives, for {@link lastLived}; `now` is in milliseconds since
   * the Unix epoch.
   */
  noteAlive(now: number): void {
    const seconds = now / 1000;
    // Only the name is used: a handle that is closed would release the lock.
    utimesSync(lockFile(this.#directory, this.id), seconds, seconds);
  }

  /** When a server was last known to live; `now` if that cannot be told, and never later than that. */
  lastLived(id: string, now: number): number {
    const seen = statSync(lockFile(this.#directory, id), { throwIfNoEntry: false })?.mtimeMs;
    return Math.min(now, Math.round(seen ?? now));
  }

  /**
   * Whether this server's entry exists. Another server that took it for dead would have removed it.
   */
  isKnown(): boolean {
    const sql = "SELECT 1 FROM servers WHERE id = ?";
    return this.#database.prepare(sql).get(this.id) !== undefined;
  }

  /** Takes the lock and registers the server again, if another server has removed both. */
  makeKnownAgain(): void {
    const lost = this.#lock;
    makeFolderSync(this.#directory, { mode: 0o700 });
    removeLock(lockFile(this.#directory, this.id));
    this.#lock = takeLock(lockFile(this.#directory, this.id));
    lost.close();
    this.#makeKnown(this.#registration, () => {});
  }

  /** Forgets who was connected to a dead server, which was last known to live at `at`. */
  forgetConnections(id: string, at: number): void {
    this.#connections.forget(id, at);
  }

  /** Removes a dead server's entry; {@link forgetConnections} comes first. */
  remove(id: string): void {
    this.#database.prepare("DELETE FROM servers WHERE id = ?").run(id);
    this.#database.afterCommit(() => removeLock(lockFile(this.#directory, id)));
  }

  /**
   * Ends this server's entry and releases its lock, the latter in any case. If the server has left
   * a run open, the entry stays, so that the next server ends the run. `now` is in milliseconds since the
   * Unix epoch: from then on nobody is connected to it.
   */
  close(now: number): void {
    try {
      // One commit, since each may have to wait for another server's.
      const isRemoved = this.#database.writePart(() => this.#end(now));
      this.#lock.close();
      if (isRemoved) removeLock(lockFile(this.#directory, this.id));
    } finally {
      if (this.#lock.isOpen) this.#lock.close();
    }
  }

  #end(now: number): boolean {
    // From now on other servers may end the open runs, although this process still lives.
    this.#database.prepare("UPDATE servers SET processId = NULL WHERE id = ?").run(this.id);
    this.#connections.forget(this.id, now);
    const { changes } = this.#database
      .prepare(
        `DELETE FROM servers WHERE id = ?1
           AND NOT EXISTS (SELECT 1 FROM runs WHERE serverId = ?1 AND state <> 'completed')`,
      )
      .run(this.id);
    return changes > 0;
  }
}
