// A server's lock, as others see it.
import { existsSync } from "node:fs";
import { DatabaseSync } from "@photostructure/sqlite";
import { busyCode, sqliteCodeOf, storageError } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

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
