// The lock that shows that a server lives (protocol.md section 9). It is in a file of its own, and
// is held while the process lives. The operating system releases it when the process ends in any
// way. It is a lock of SQLite, so that it works on every platform. base/dataFiles.ts says what must
// never be done with its file.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { lockEnding } from "../base/dataFiles.js";
import { busyCode, sqliteCodeOf, storageError } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** Takes a lock that nobody else has. The caller keeps it while the server lives. */
export function takeLock(file: string): Sqlite {
  const lock = new DatabaseSync(file);
  try {
    // Without the pragma, a second file would stay behind if the process is killed.
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Whether a process holds the lock in a file. A file that is not there is held by nobody. */
export function isHeld(file: string): boolean {
  if (!existsSync(file)) return false;
  let probe: Sqlite | undefined;
  try {
    probe = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    probe.prepare("SELECT count(*) FROM sqlite_master").get();
    return false;
  } catch (error) {
    if (sqliteCodeOf(error) === busyCode) return true;
    if (!existsSync(file)) return false;
    throw storageError(file, error);
  } finally {
    if (probe?.isOpen) probe.close();
  }
}

/** A lock file without an entry means nothing, so one that cannot be deleted just now may stay. */
export function removeLock(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Another server is looking at it, and some systems do not delete open files.
  }
}

/** The file of a server's lock, in the folder of all locks. */
export function lockFile(directory: string, id: string): string {
  return join(directory, `${id}${lockEnding}`);
}
