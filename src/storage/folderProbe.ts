// Whether the file system of a folder can hold a database that several programs share. SQLite
// reports "locked" even if there are no locks at all. So this tries a new file, which nobody else
// can hold.
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { DomainError } from "../base/errors.js";
import { busyCode, sqliteCodeOf, storageError } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** The file that is tried, which is removed again. */
const probeName = "lock-probe.db";

/** Another program may be trying the same at the same time; it needs much less than this. */
const waitMs = 1000;

const remedy = "put it on a local disk with --data-dir";

/**
 * What is wrong with the file system of a folder. Undefined if a database in it can be shared, or
 * if that cannot be tried. It makes a file there and removes it again.
 */
export function fileSystemTrouble(folder: string): string | undefined {
  const file = join(folder, probeName);
  const open: Sqlite[] = [];
  try {
    const first = new DatabaseSync(file, { timeout: waitMs });
    open.push(first);
    first.exec("BEGIN EXCLUSIVE");
    const second = new DatabaseSync(file, { timeout: 0 });
    open.push(second);
    if (!isHeldFor(second)) {
      return `the data directory is on a file system whose locks hold nobody off; ${remedy}`;
    }
    first.exec("ROLLBACK");
    const row = first.prepare("PRAGMA journal_mode = WAL").get();
    if (row?.journal_mode !== "wal") return noSharedMemory;
    first.exec("CREATE TABLE probe (a)");
    return undefined;
  } catch (error) {
    return troubleOf(error);
  } finally {
    for (const sqlite of open) sqlite.close();
    for (const ending of ["", "-wal", "-shm", "-journal"]) rmSync(file + ending, { force: true });
  }
}

const noLocks = `the data directory is on a file system without locks; ${remedy}`;
const noSharedMemory = `the data directory is on a file system without shared memory; ${remedy}`;

/** SQLite's result codes for a lock that the system refused, and for memory that it did not share. */
const lockCodes = new Set([2058, 2314, 3594, 3850, 15]);
const sharedMemoryCodes = new Set([4618, 4874, 5130, 5386]);

function troubleOf(error: unknown): string | undefined {
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) : undefined;
  // Nobody else has this file: it is the lock itself that cannot be had.
  if (sqliteCodeOf(error) === busyCode || lockCodes.has(code ?? 0)) return noLocks;
  if (sharedMemoryCodes.has(code ?? 0)) return noSharedMemory;
  return undefined;
}

function isHeldFor(sqlite: Sqlite): boolean {
  try {
    sqlite.exec("BEGIN IMMEDIATE");
    return false;
  } catch (error) {
    if (sqliteCodeOf(error) !== busyCode) throw error;
    return true;
  }
}

/** SQLite's primary codes that may come from a file system without locks or shared memory. */
const doubtfulCodes = new Set([busyCode, 10, 14, 15]);

/** Why a database could not be opened, in words that name it. */
export function openingError(file: string, error: unknown): DomainError {
  const isDoubtful = doubtfulCodes.has(sqliteCodeOf(error) ?? 0);
  const trouble = isDoubtful ? fileSystemTrouble(dirname(file)) : undefined;
  if (trouble === undefined) return storageError(file, error);
  const message = `The database ${file} cannot be used: ${trouble}.`;
  return new DomainError("StorageFailed", message, { cause: error });
}
