// The one SQLite file (protocol.md section 9): opened safely, migrated, and written in transactions.
// Every failure leaves as a `StorageFailed` that names the file and the fix.
import { DatabaseSync } from "@photostructure/sqlite";
import { DomainError } from "../base/errors.js";
import { inodeOf } from "../base/fileIdentity.js";
import { openingError } from "./folderProbe.js";
import { applicationId, migrations } from "./migrations.js";
import { busyCode, sqliteCodeOf, storageError } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** A value that SQLite stores. */
export type SqlValue = string | number | null | Uint8Array;
/** A row as SQLite gives it. */
export type Row = Record<string, SqlValue>;

/** How long a statement waits for another server's write, in milliseconds. */
const busyTimeoutMs = 5000;
/** How long a start waits between two tries to set a new file up, in milliseconds. */
const lookAgainMs = 10;
/** A commit moves the log into the file only where no quiet moment did; 16 MB of 4 KiB pages. */
const mostLogPages = 4000;

/** A prepared statement whose failures are domain errors. */
export interface Statement {
  run(...values: SqlValue[]): { changes: number; lastInsertRowid: number };
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
}

/** The open database. Everything is synchronous; nothing else may run between two of its calls. */
export class Database {
  readonly #file: string;
  /** The files that are written, and what told each from another when it was opened. */
  #opened: ReadonlyMap<string, string> = new Map();
  readonly #sqlite: Sqlite;
  readonly #statements = new Map<string, Statement>();
  #depth = 0;
  #afterCommit: (() => void)[] = [];
  #written: () => void = () => {};

  private constructor(file: string, sqlite: Sqlite) {
    this.#file = file;
    this.#sqlite = sqlite;
  }

  /**
   * Opens or creates `file` and brings its schema up to date.
   *
   * @throws DomainError `StorageFailed` if it cannot be opened, is damaged, belongs to another
   *   program, or was written by a newer Turnwire; the file is left untouched then.
   */
  static open(file: string): Database {
    let sqlite: Sqlite | undefined;
    try {
      sqlite = new DatabaseSync(file, {
        timeout: busyTimeoutMs,
        enableForeignKeyConstraints: false,
      });
      const database = new Database(file, sqlite);
      database.#checkOwnerAtOnce();
      database.#useWriteAheadLog();
      sqlite.exec("PRAGMA synchronous = NORMAL");
      sqlite.exec(`PRAGMA wal_autocheckpoint = ${mostLogPages}`);
      database.#migrate();
      database.#opened = new Map([file, `${file}-wal`].map((path) => [path, inodeOf(path)]));
      return database;
    } catch (error) {
      if (sqlite?.isOpen) sqlite.close();
      throw openingError(file, error);
    }
  }

  #pragma(name: string): number {
    const row = this.#sqlite.prepare(`PRAGMA ${name}`).get() as Row | undefined;
    return Number(row?.[name] ?? 0);
  }

  /** Sees the file as it is at one time: another server may be making it ours just now. */
  #checkOwnerAtOnce(): void {
    this.#sqlite.exec("BEGIN");
    try {
      this.#checkOwner();
    } finally {
      // A lock or a disk that fails ends the transaction by itself.
      if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
    }
  }

  #checkOwner(): void {
    const owner = this.#pragma("application_id");
    const version = this.#pragma("user_version");
    const tables = this.#sqlite.prepare("SELECT count(*) AS n FROM sqlite_master").get() as Row;
    const isEmpty = Number(tables.n) === 0 && version === 0;
    if (owner !== applicationId && !isEmpty) {
      throw new DomainError(
        "StorageFailed",
        `${this.#file} is another program's database; choose another --data-dir.`,
      );
    }
    if (version > migrations.length) {
      throw new DomainError(
        "StorageFailed",
        `${this.#file} was written by a newer Turnwire (schema ${version}, this one knows ${migrations.length}); update Turnwire or choose another --data-dir.`,
        { data: { found: version, supported: migrations.length } },
      );
    }
  }

  /** SQLite does not wait where two servers make the same new file their own; this does. */
  #useWriteAheadLog(): void {
    for (let waitedMs = 0; ; waitedMs += lookAgainMs) {
      try {
        this.#sqlite.exec("PRAGMA journal_mode = WAL");
        return;
      } catch (error) {
        if (sqliteCodeOf(error) !== busyCode || waitedMs >= busyTimeoutMs) throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookAgainMs);
    }
  }

  #migrate(): void {
    if (this.#pragma("user_version") === migrations.length) return;
    this.#sqlite.exec("BEGIN IMMEDIATE");
    try {
      // Read again under the lock: another server may have migrated in between.
      this.#checkOwner();
      for (let version = this.#pragma("user_version"); version < migrations.length; version++) {
        this.#sqlite.exec(migrations[version] ?? "");
      }
      this.#sqlite.exec(
        `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`,
      );
      this.#sqlite.exec("COMMIT");
    } catch (error) {
      if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
      throw error;
    }
  }

  /** A statement, prepared once. */
  prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#guarded(this.#guard(() => this.#sqlite.prepare(sql)));
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guarded(statement: ReturnType<Sqlite["prepare"]>): Statement {
    return {
      run: (...values) =>
        this.#guard(() => {
          const { changes, lastInsertRowid } = statement.run(...values);
          if (this.#depth === 0) this.#written();
          return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
        }),
      get: (...values) => this.#guard(() => statement.get(...values) as Row | undefined),
      all: (...values) => this.#guard(() => statement.all(...values) as Row[]),
    };
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageError(undefined, error);
    }
  }

  /**
   * Runs `work` in one write transaction: all of it is kept, or none. A power cut may lose the
   * newest such transactions; a crash of the process loses none. Inside another transaction it
   * joins that one.
   */
  write<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    const result = this.#transaction(work);
    this.#announce();
    return result;
  }

  /**
   * As {@link write}, and on the disk itself before it returns: neither a crash nor a power cut
   * loses it (protocol.md section 5).
   */
  durable<T>(work: () => T): T {
    if (this.#depth > 0) throw new Error("a durable transaction cannot be nested");
    this.#refuseWithoutFile();
    let result: T;
    this.#guard(() => this.#sqlite.exec("PRAGMA synchronous = FULL"));
    try {
      result = this.#transaction(work);
    } finally {
      this.#guard(() => this.#sqlite.exec("PRAGMA synchronous = NORMAL"));
    }
    // What the announcements write need not wait for the disk.
    this.#announce();
    return result;
  }

  /**
   * The files may have been deleted or replaced since they were opened: what is written into them
   * then is found by nobody again, so it must not be promised.
   */
  #refuseWithoutFile(): void {
    for (const [path, inode] of this.#opened) {
      if (inodeOf(path) === inode) continue;
      throw new DomainError(
        "StorageFailed",
        "The database was deleted or replaced while this server had it open; nothing can be kept any more: end this server, and start it again.",
        { data: { reason: "databaseReplaced" } },
      );
    }
  }

  /** As {@link durable}; inside another transaction it belongs to that one. */
  joinDurable<T>(work: () => T): T {
    return this.#depth > 0 ? work() : this.durable(work);
  }

  /**
   * Calls `announce` once the present transaction is committed; never if it is rolled back. It must
   * not throw: what was committed would look as if it had failed.
   */
  afterCommit(announce: () => void): void {
    if (this.#depth === 0) throw new Error("afterCommit outside a transaction");
    this.#afterCommit.push(announce);
  }

  /** Calls `listener` behind every write; it must neither write nor throw. */
  onWritten(listener: () => void): void {
    this.#written = listener;
  }

  /**
   * Moves what it can of the write-ahead log into the file; no other connection waits for it.
   */
  checkpoint(): void {
    this.#guard(() => this.#sqlite.exec("PRAGMA wal_checkpoint(PASSIVE)"));
  }

  #transaction<T>(work: () => T): T {
    this.#guard(() => this.#sqlite.exec("BEGIN IMMEDIATE"));
    this.#depth++;
    try {
      const result = work();
      this.#guard(() => this.#sqlite.exec("COMMIT"));
      this.#written();
      return result;
    } catch (error) {
      this.#afterCommit = [];
      this.#guard(() => {
        if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
      });
      throw error;
    } finally {
      this.#depth--;
    }
  }

  #announce(): void {
    for (const announce of this.#afterCommit.splice(0)) announce();
  }

  /**
   * Closes the file; nothing may use it afterwards. What lies in the write-ahead log is moved into
   * the file first, unless another server is using it: so a copy of the file has everything.
   */
  close(): void {
    this.#statements.clear();
    if (!this.#sqlite.isOpen) return;
    try {
      this.#guard(() => {
        this.#sqlite.exec("PRAGMA busy_timeout = 100");
        this.#sqlite.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      });
    } finally {
      this.#sqlite.close();
    }
  }
}
