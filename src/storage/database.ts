// The one SQLite file (protocol.md section 9): written in transactions. Every failure is a
// `StorageFailed` that names the file and the fix.
import type { DatabaseSync } from "@photostructure/sqlite";
import { messageOf } from "../base/errors.js";
import { Damage, isDamage } from "./damage.js";
import { HeldFile } from "./heldFile.js";
import { schema } from "./migrations.js";
import { OpenedFiles } from "./openedFiles.js";
import { openFile } from "./openFile.js";
import type { OpenOptions } from "./openOptions.js";
import { OwnChanges } from "./ownChanges.js";
import type { Row, SqlValue, Statement } from "./statement.js";
import { storageError } from "./storageError.js";

export type { Row, SqlValue, Statement } from "./statement.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** The open database. Everything is synchronous; nothing else may run between two of its calls. */
export class Database {
  /** The damage that was found in the file. */
  readonly damage = new Damage();
  /** The changes of messages by this connection. */
  readonly ownChanges: OwnChanges;
  /** The files as they were opened. */
  files = new OpenedFiles([]);
  readonly #sqlite: Sqlite;
  #steps = 0;
  #known = 0;
  readonly #statements = new Map<string, Statement>();
  #depth = 0;
  #isReading = false;
  /** How much damage was known when the present transaction began. */
  #damageAtBegin = 0;
  #afterCommit: (() => void)[] = [];
  #written: () => void = () => {};
  readonly #held: HeldFile;

  private constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite;
    this.#held = new HeldFile(sqlite);
    this.ownChanges = new OwnChanges(sqlite, () => this.#depth > 0);
  }

  /**
   * Opens or creates `file` and brings its schema up to date; where a server of an older schema lives,
   * it is left as it is, and used so.
   *
   * @throws DomainError `StorageFailed` if it cannot be opened, is damaged, belongs to another
   *   program, was made unreadable for this one by a newer Turnwire, or is of a schema that this one
   *   cannot work with while an older server lives; the file is left untouched then.
   */
  static open(file: string, options: OpenOptions<Database> = {}): Database {
    const { olderServers, schema: own = schema } = options;
    const { sqlite, steps } = openFile(file, own, (opened) =>
      olderServers === undefined ? [] : olderServers(new Database(opened), own.steps.length),
    );
    const database = new Database(sqlite);
    database.#steps = steps;
    database.#known = own.steps.length;
    database.files = new OpenedFiles([file, `${file}-wal`]);
    return database;
  }

  /** A number that changes when another server has committed something; it is read from memory. */
  get dataVersion(): number {
    return Number(this.prepare("PRAGMA data_version").get()?.data_version);
  }

  /** How many steps of the schema the file has taken: fewer, or more, than this program knows. */
  get steps(): number {
    return this.#steps;
  }

  /** How many steps the program knows that has opened the file. */
  get knownSteps(): number {
    return this.#known;
  }

  /** See {@link HeldFile.waitBriefly}. */
  waitBriefly(ms: number): void {
    this.#held.waitBriefly(ms);
  }

  /** Whether another program was found to hold the file, and not to have let go yet. */
  get isHeld(): boolean {
    return this.#held.isHeld;
  }

  /** Calls `listener` when another program is found to hold the file, and when it has let go. */
  onHeld(listener: (isHeld: boolean) => void): void {
    this.#held.listen(listener);
  }

  #take<T>(write: () => T): T {
    return this.#held.take(() => this.#guard(write));
  }

  /** A statement, prepared once. */
  prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      const prepared = this.#guard(() => this.#sqlite.prepare(sql));
      statement = this.#guarded(sql, prepared);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guarded(sql: string, statement: ReturnType<Sqlite["prepare"]>): Statement {
    return {
      run: (...values) =>
        this.#take(() => {
          const { changes, lastInsertRowid } = statement.run(...values);
          if (this.#depth === 0) this.#written();
          return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
        }),
      get: (...values) =>
        this.#read(sql, values, () => statement.get(...values) as Row | undefined),
      all: (...values) => this.#read(sql, values, () => statement.all(...values) as Row[]),
    };
  }

  /** In a transaction, known damaged places are avoided: see {@link #undamaged}. */
  #read<T>(sql: string, values: readonly SqlValue[], work: () => T): T {
    if (this.#depth === 0) return this.#guard(work);
    const key = this.damage.isEmpty ? undefined : [sql, ...values].join("\0");
    const known = key === undefined ? undefined : this.damage.found(key);
    if (known !== undefined) throw known;
    try {
      return this.#guard(work);
    } catch (error) {
      this.damage.learn(key ?? [sql, ...values].join("\0"), error);
      throw error;
    }
  }

  /**
   * Writes what may stand in a damaged place of the file; what `instead` gives where it does. `name`
   * tells this write from every other one of its transaction, and is the same when that is tried again.
   */
  attempt<T>(name: string, write: () => T, instead: (reason: string) => T): T {
    const known = this.damage.found(name);
    if (known !== undefined && this.#depth > 0) return instead(messageOf(known));
    try {
      return write();
    } catch (error) {
      if (!isDamage(error)) throw error;
      if (this.#depth === 0) return instead(messageOf(error));
      // After another damaged place, every write of the transaction fails, also one that is possible.
      if (this.damage.count === this.#damageAtBegin) this.damage.learn(name, error);
      throw error;
    }
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageError(undefined, error);
    }
  }

  /**
   * Runs `work`, which only reads: all that it reads is of one moment, and the file is locked once and
   * not for each row. Inside another transaction it belongs to that one.
   */
  reading<T>(work: () => T): T {
    if (this.#depth > 0 || this.#isReading) return work();
    this.#guard(() => this.#sqlite.exec("BEGIN"));
    this.#isReading = true;
    try {
      return work();
    } finally {
      this.#isReading = false;
      this.#guard(() => {
        // Nothing was written. After a damaged place SQLite refuses to commit even that.
        if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
      });
    }
  }

  /**
   * Runs `work` in one write transaction: all of it is kept, or none. A power cut may lose the newest such
   * transactions; a crash of the process loses none. Inside another transaction it joins that one.
   */
  write<T>(work: () => T): T {
    if (this.#depth === 0) this.files.refuseWithout();
    return this.writePart(work);
  }

  /**
   * As {@link write}, for what is told as kept only by a later transaction: that one finds out whether
   * the files are still the ones that were opened.
   */
  writePart<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    const result = this.#undamaged(work);
    this.#announce();
    return result;
  }

  /**
   * As {@link write}, and on the disk itself before it returns: neither a crash nor a power cut
   * loses it (protocol.md section 5).
   */
  durable<T>(work: () => T): T {
    if (this.#depth > 0) throw new Error("a durable transaction cannot be nested");
    this.files.refuseWithout();
    let result: T;
    this.#guard(() => this.#sqlite.exec("PRAGMA synchronous = FULL"));
    try {
      result = this.#undamaged(work);
    } finally {
      this.#guard(() => this.#sqlite.exec("PRAGMA synchronous = NORMAL"));
    }
    // What the announcements write need not wait for the disk.
    this.#announce();
    return result;
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

  /** Calls `listener` after every write; it must neither write nor throw. */
  onWritten(listener: () => void): void {
    this.#written = listener;
  }

  /** Moves what it can of the write-ahead log into the file; no other connection waits for it. */
  checkpoint(): void {
    this.#guard(() => this.#sqlite.exec("PRAGMA wal_checkpoint(PASSIVE)"));
  }

  /**
   * Once a transaction has met a damaged place, SQLite refuses all its further writes. So it is begun
   * again and avoids that place: `work` may be called several times.
   */
  #undamaged<T>(work: () => T): T {
    for (;;) {
      this.#damageAtBegin = this.damage.count;
      try {
        return this.#transaction(work);
      } catch (error) {
        if (!isDamage(error) || this.damage.count === this.#damageAtBegin) throw error;
      }
    }
  }

  #transaction<T>(work: () => T): T {
    this.#take(() => this.#sqlite.exec("BEGIN IMMEDIATE"));
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
