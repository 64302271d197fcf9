// One relay of a name at a time for a data directory (docs/fleet.md).
import { join } from "node:path";
import { lockEnding, relaysFolder } from "../base/dataFiles.js";
import { makeFolderSync } from "../base/makeFolder.js";
import { takeLock } from "./serverLock.js";
import { busyCode, sqliteCodeOf, storageError } from "./storageError.js";

/** A lock that is held. */
export interface RelayLock {
  /** Lets others take it. Its file stays. */
  release(): void;
}

/**
 * Takes the lock of a relay. Undefined if somebody holds it, in this process or in another one.
 *
 * @throws DomainError `StorageFailed` if the lock cannot be tried.
 */
export function takeRelayLock(dataDirectory: string, name: string): RelayLock | undefined {
  const folder = join(dataDirectory, relaysFolder);
  const file = join(folder, `${name}${lockEnding}`);
  try {
    makeFolderSync(folder, { mode: 0o700 });
    const lock = takeLock(file);
    return { release: () => lock.close() };
  } catch (error) {
    if (sqliteCodeOf(error) === busyCode) return undefined;
    throw storageError(file, error);
  }
}
