// The lock that makes a daemon the only one of its data directory (protocol.md section 2, The daemon). Its file
// stays when the daemon has ended: it means nothing without a holder.
import { join } from "node:path";
import { type Clock, sleep } from "../base/clock.js";
import { daemonLockName } from "../base/dataFiles.js";
import { DomainError } from "../base/errors.js";
import { inodeOf } from "../base/fileIdentity.js";
import { isHeld, takeLock } from "./serverLock.js";
import { busyCode, folderError, sqliteCodeOf } from "./storageError.js";

/** A lock that is held until it is released, or the process ends. */
export interface DaemonLock {
  /** Whether its file is still where others look for it: the data directory may be deleted or replaced. */
  readonly isInPlace: boolean;
  release(): void;
}

/** How often a lock is tried that nobody holds, and the time between two tries, in milliseconds. */
const mostTries = 200;
const betweenTriesMs = 10;

/**
 * Takes the lock of a data directory that exists; undefined where another process holds it. A client that
 * looks whether it is held has it for that moment, and is waited for.
 *
 * Rejects with the DomainError `StorageFailed` if the directory takes no lock, or somebody looks at it all
 * the time.
 */
export async function takeDaemonLock(
  dataDirectory: string,
  clock: Pick<Clock, "after">,
): Promise<DaemonLock | undefined> {
  for (let tries = 0; tries < mostTries; tries++) {
    const lock = tryDaemonLock(dataDirectory);
    if (lock !== undefined) return lock;
    if (isDaemonLockHeld(dataDirectory)) return undefined;
    await sleep(clock, betweenTriesMs);
  }
  const file = join(dataDirectory, daemonLockName);
  throw new DomainError("StorageFailed", `another program reads ${file} all the time`);
}

/** Undefined where another process holds it, or looks at it at this moment. */
function tryDaemonLock(dataDirectory: string): DaemonLock | undefined {
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
