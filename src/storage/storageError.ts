// Turns errors of SQLite into errors that a person can act on.
import { defined } from "../base/defined.js";
import { DomainError, messageOf } from "../base/errors.js";
import { databaseLocked } from "../base/heldDatabase.js";
import { explainSystemError } from "../base/systemError.js";

const unnamed = "The database";

/** Somebody else holds the file. */
export const busyCode = 5;
/** Somebody else holds a table of it. */
const tableLockedCode = 6;

/** A page of the file is not what it should be. */
export const damagedCode = 11;

/** SQLite's primary result codes for which a person can do something. */
const advice: Readonly<Record<number, string>> = {
  5: "another program holds it locked; try again",
  6: "another program holds it locked; try again",
  8: "it cannot be written; check the permissions of the file and its folder",
  10: "the disk reported an error",
  11: "it is damaged; it was left as it is: end every server, then run `turnwire doctor --repair`, or restore a copy",
  13: "the disk is full; free some space",
  14: "it cannot be opened; check that the folder exists and can be written",
  26: "it is no SQLite database; it was left as it is: move it away or choose another --data-dir",
};

/**
 * The domain error for anything that SQLite threw. It names the file only for a person at the
 * server: clients never get paths of the server.
 */
export function storageError(file: string | undefined, error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  const code = sqliteCodeOf(error);
  const what = (code === undefined ? undefined : advice[code]) ?? messageOf(error);
  const name = file === undefined ? unnamed : `The database ${file}`;
  const reason = code === busyCode || code === tableLockedCode ? databaseLocked : undefined;
  const data = code === undefined ? undefined : { sqliteCode: code, ...defined({ reason }) };
  return new DomainError("StorageFailed", `${name} failed: ${what}.`, {
    cause: error,
    ...defined({ data }),
  });
}

/** The same error with the database's file named, for a person at the server. */
export function withFileNamed(file: string, error: unknown): unknown {
  if (!(error instanceof DomainError) || !error.message.startsWith(`${unnamed} failed`))
    return error;
  const message = `The database ${file}${error.message.slice(unnamed.length)}`;
  return new DomainError(error.name, message, { cause: error, data: error.data });
}

/** The domain error for a folder of ours that cannot be made or used; it names the folder. */
export function folderError(folder: string, error: unknown): DomainError {
  const why = explainSystemError(error) ?? messageOf(error);
  const part = error instanceof Error && "path" in error ? String(error.path) : folder;
  const where = part === folder ? "" : ` at ${part}`;
  return new DomainError(
    "StorageFailed",
    `The folder ${folder} cannot be made${where}: ${why}; choose another with --data-dir.`,
    { cause: error },
  );
}

/** SQLite's own words for its primary result codes (`sqlite3_errstr`). */
const codesByWords: ReadonlyMap<string, number> = new Map([
  ["database is locked", 5],
  ["database table is locked", 6],
  ["attempt to write a readonly database", 8],
  ["disk I/O error", 10],
  ["database disk image is malformed", 11],
  ["database or disk is full", 13],
  ["unable to open database file", 14],
  ["locking protocol", 15],
  ["file is not a database", 26],
]);

/** SQLite's primary result code; undefined if something else failed. */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("errcode" in error && typeof error.errcode === "number") return error.errcode & 0xff;
  // An error while a statement is prepared has only SQLite's message.
  return codesByWords.get(error.message);
}

/** Whether an error means that a unique index already holds the row. */
export function isUniqueViolation(error: unknown): boolean {
  return (
    error instanceof DomainError &&
    error.cause instanceof Error &&
    "errcode" in error.cause &&
    (error.cause.errcode === 2067 || error.cause.errcode === 1555)
  );
}

/**
 * SQLite's codes for a wrong statement or wrong values: ERROR, TOOBIG, CONSTRAINT, MISMATCH, RANGE.
 */
const ownFaults: ReadonlySet<number> = new Set([1, 18, 19, 20, 25]);

/**
 * Whether the same write can succeed later: the disk, the file or another program is to blame, and
 * everything in the same transaction fails too. False if the values themselves cannot be stored.
 */
export function isDiskTrouble(error: unknown): boolean {
  if (!(error instanceof DomainError)) return false;
  const { sqliteCode } = error.data;
  return typeof sqliteCode === "number" && !ownFaults.has(sqliteCode);
}
