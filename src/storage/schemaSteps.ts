// Finds which schema steps a file has taken, and takes the rest (protocol.md section 9). The file
// has two numbers: its `user_version` tells how many steps a program must know to work with it, and
// a note tells how many were taken. The first number is smaller if the newest steps only added, so
// that older programs can go on using the file.
import type { DatabaseSync } from "@photostructure/sqlite";
import { DomainError } from "../base/errors.js";
import { applicationId, type Schema } from "./migrations.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** A living server that knows fewer steps. */
export interface OlderServer {
  readonly pid?: number | undefined;
  readonly version?: string | undefined;
}

/** The name of the note that holds how many steps were taken. */
export const stepsNote = "schemaSteps";
/** The first step with notes; in an older file, `user_version` is the number of steps. */
const firstWithNotes = 4;

/** The schema of one open file. */
export class SchemaSteps {
  readonly #sqlite: Sqlite;
  readonly #file: string;
  readonly #schema: Schema;

  constructor(sqlite: Sqlite, file: string, schema: Schema) {
    this.#sqlite = sqlite;
    this.#file = file;
    this.#schema = schema;
  }

  /** How many steps this program knows. */
  get known(): number {
    return this.#schema.steps.length;
  }

  /**
   * Reads the file in one transaction, since another server may be setting it up at the same time.
   *
   * @throws DomainError `StorageFailed` if it belongs to another program, or if this one cannot use
   * it.
   */
  check(): void {
    this.#sqlite.exec("BEGIN");
    try {
      this.#checkOwner();
    } finally {
      // A lock or a disk that fails ends the transaction by itself.
      if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
    }
  }

  /**
   * Takes the steps that the file lacks, unless `olderServers` names living servers that know fewer.
   * Returns how many the file has taken then.
   *
   * @throws DomainError `StorageFailed`, `reason: "olderServerRunning"`, if this program cannot
   * work with so few, and the errors of {@link check}.
   */
  take(olderServers: () => readonly OlderServer[]): number {
    if (this.#taken() >= this.known) return this.#taken();
    this.#sqlite.exec("BEGIN IMMEDIATE");
    try {
      // Read again under the lock: another server may have taken them in between.
      this.#checkOwner();
      const taken = this.#taken();
      const older = taken === 0 || taken >= this.known ? [] : olderServers();
      if (older.length === 0) this.#takeFrom(taken);
      else if (taken < this.#schema.worksFrom) throw olderServerRunning(older);
      this.#sqlite.exec("COMMIT");
    } catch (error) {
      if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
      throw error;
    }
    return this.#taken();
  }

  #takeFrom(taken: number): void {
    const { steps, readableFrom } = this.#schema;
    for (const step of steps.slice(taken)) this.#sqlite.exec(step);
    const total = Math.max(taken, this.known);
    if (total >= firstWithNotes) {
      this.#sqlite
        .prepare("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)")
        .run(stepsNote, String(total));
    }
    const version = Math.max(this.#pragma("user_version"), Math.min(readableFrom, total));
    this.#sqlite.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`);
  }

  #taken(): number {
    const version = this.#pragma("user_version");
    if (version < firstWithNotes) return version;
    const note = this.#sqlite.prepare("SELECT value FROM notes WHERE name = ?").get(stepsNote) as
      | { value: string }
      | undefined;
    return Math.max(version, Number(note?.value ?? 0));
  }

  #checkOwner(): void {
    const owner = this.#pragma("application_id");
    const version = this.#pragma("user_version");
    const tables = this.#sqlite.prepare("SELECT count(*) AS n FROM sqlite_master").get() as {
      n: number;
    };
    const isEmpty = Number(tables.n) === 0 && version === 0;
    if (owner !== applicationId && !isEmpty) {
      throw new DomainError(
        "StorageFailed",
        `${this.#file} is another program's database; choose another --data-dir.`,
      );
    }
    if (version > this.known) {
      throw new DomainError(
        "StorageFailed",
        `${this.#file} was written by a newer Turnwire (schema ${version}, this one knows ${this.known}); update Turnwire or choose another --data-dir.`,
        { data: { found: version, supported: this.known } },
      );
    }
  }

  #pragma(name: string): number {
    const row = this.#sqlite.prepare(`PRAGMA ${name}`).get() as Record<string, unknown> | undefined;
    return Number(row?.[name] ?? 0);
  }
}

function olderServerRunning(servers: readonly OlderServer[]): DomainError {
  const named = servers.map(
    ({ pid, version }) => `Turnwire ${version ?? "of before"} (process ${pid ?? "unknown"})`,
  );
  return new DomainError(
    "StorageFailed",
    `The data directory is in use by an older version, which cannot go on with it once this one has: ${named.join(", ")}. Close the window or end the process that it belongs to, then start again.`,
    { data: { reason: "olderServerRunning", servers } },
  );
}
