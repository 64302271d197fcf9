// Opens the one SQLite file safely (protocol.md section 9): what is not ours, or newer than this program,
// is left as it is.
import { DatabaseSync } from "@photostructure/sqlite";
import { DomainError } from "../base/errors.js";
import { openingError } from "./folderProbe.js";
import { applicationId, migrations } from "./migrations.js";
import type { Row } from "./statement.js";
import { busyCode, sqliteCodeOf } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** How long a statement waits for another server's write, in milliseconds. */
const busyTimeoutMs = 5000;
/** How long a start waits between two tries to set a new file up, in milliseconds. */
const lookAgainMs = 10;
/** A commit moves the log into the file only where no quiet moment did; 16 MB of 4 KiB pages. */
const mostLogPages = 4000;

/**
 * Opens or creates `file` and brings its schema up to date.
 *
 * @throws DomainError `StorageFailed` if it cannot be opened, is damaged, belongs to another
 *   program, or was written by a newer Turnwire; the file is left untouched then.
 */
export function openFile(file: string): Sqlite {
  let sqlite: Sqlite | undefined;
  try {
    sqlite = new DatabaseSync(file, {
      timeout: busyTimeoutMs,
      enableForeignKeyConstraints: false,
    });
    checkOwnerAtOnce(sqlite, file);
    useWriteAheadLog(sqlite);
    sqlite.exec("PRAGMA synchronous = NORMAL");
    sqlite.exec(`PRAGMA wal_autocheckpoint = ${mostLogPages}`);
    migrate(sqlite, file);
    return sqlite;
  } catch (error) {
    if (sqlite?.isOpen) sqlite.close();
    throw openingError(file, error);
  }
}

function pragma(sqlite: Sqlite, name: string): number {
  const row = sqlite.prepare(`PRAGMA ${name}`).get() as Row | undefined;
  return Number(row?.[name] ?? 0);
}

/** Sees the file as it is at one time: another server may be making it ours just now. */
function checkOwnerAtOnce(sqlite: Sqlite, file: string): void {
  sqlite.exec("BEGIN");
  try {
    checkOwner(sqlite, file);
  } finally {
    // A lock or a disk that fails ends the transaction by itself.
    if (sqlite.isTransaction) sqlite.exec("ROLLBACK");
  }
}

function checkOwner(sqlite: Sqlite, file: string): void {
  const owner = pragma(sqlite, "application_id");
  const version = pragma(sqlite, "user_version");
  const tables = sqlite.prepare("SELECT count(*) AS n FROM sqlite_master").get() as Row;
  const isEmpty = Number(tables.n) === 0 && version === 0;
  if (owner !== applicationId && !isEmpty) {
    throw new DomainError(
      "StorageFailed",
      `${file} is another program's database; choose another --data-dir.`,
    );
  }
  if (version > migrations.length) {
    throw new DomainError(
      "StorageFailed",
      `${file} was written by a newer Turnwire (schema ${version}, this one knows ${migrations.length}); update Turnwire or choose another --data-dir.`,
      { data: { found: version, supported: migrations.length } },
    );
  }
}

/** SQLite does not wait where two servers make the same new file their own; this does. */
function useWriteAheadLog(sqlite: Sqlite): void {
  for (let waitedMs = 0; ; waitedMs += lookAgainMs) {
    try {
      sqlite.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (sqliteCodeOf(error) !== busyCode || waitedMs >= busyTimeoutMs) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookAgainMs);
  }
}

function migrate(sqlite: Sqlite, file: string): void {
  if (pragma(sqlite, "user_version") === migrations.length) return;
  sqlite.exec("BEGIN IMMEDIATE");
  try {
    // Read again under the lock: another server may have migrated in between.
    checkOwner(sqlite, file);
    for (let version = pragma(sqlite, "user_version"); version < migrations.length; version++) {
      sqlite.exec(migrations[version] ?? "");
    }
    sqlite.exec(
      `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`,
    );
    sqlite.exec("COMMIT");
  } catch (error) {
    if (sqlite.isTransaction) sqlite.exec("ROLLBACK");
    throw error;
  }
}
