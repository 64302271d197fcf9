// The lock that makes a daemon the only one of its data directory (protocol.md section 2, The daemon). Its file
// stays when the daemon has ended: it means nothing without a holder.
import { join } from "node:path";
import { daemonLockName } from "../base/dataFiles.js";
import { inodeOf } from "../base/fileIdentity.js";
import { isHeld, takeLock } from "./serverLock.js";
import { busyCode, folderError, sqliteCodeOf } from "./storageError.js";

/** A lock that is held until it is released, or the process ends. */
export interface DaemonLock {
  /** Whether its file is still where others look for it: the data directory may be deleted or replaced. */
  readonly isInPlace: boolean;
  release(): void;
}

/**
 * Takes the lock of a data directory that exists; undefined where another process holds it.
 *
 * @throws DomainError `StorageFailed` if the directory takes no lock.
 */
export function takeDaemonLock(dataDirectory: string): DaemonLock | undefined {
  const file = join(dataDirectory, daemonLockName);
  try {
    const lock = takeLock(file);
    const own = inodeOf(file);
    return {
      get isInPlace() {
        return inodeOf(file) === own;
      },
      release() {
        if (lock.isOpen) lock.close();
      },
    };
  } catch (error) {
    if (sqliteCodeOf(error) === busyCode) return undefined;
    throw folderError(file, error);
  }
}

/** Whether a process holds the lock. It must not be the asking one, which would lose its lock by it. */
export function isDaemonLockHeld(dataDirectory: string): boolean {
  return isHeld(join(dataDirectory, daemonLockName));
}
