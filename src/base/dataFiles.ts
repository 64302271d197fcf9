// The files of a data directory that nothing but the database may open. Locks on them tell that a
// server lives, and keep the database whole (protocol.md section 9). POSIX removes all of a
// process's locks on a file as soon as the process closes any handle of that file. So a tool that
// read such a file would make others believe that its own server is dead.
import { basename, dirname } from "node:path";

/** The database's name in the data directory; its journals are named after it. */
export const databaseName = "turnwire.db";
/** The folder in the data directory that holds a lock for every server. */
export const locksFolder = "servers";
/** The folder in the data directory that holds a lock for every relay. */
export const relaysFolder = "relays";
/** The lock of the data directory's daemon. */
export const daemonLockName = "turnwire-daemon.lock";
/** The folder in the data directory that holds the whole outputs of tools, by workspace and session. */
export const outputsFolder = "outputs";
/** The end of a lock's name. */
export const lockEnding = ".lock";

/**
 * Whether a path (absolute and real) is such a file of any data directory. Only the name is
 * compared, and its case is ignored, since some file systems ignore it.
 */
export function isLockedDataFile(path: string): boolean {
  const name = basename(path).toLowerCase();
  if (name === databaseName || name.startsWith(`${databaseName}-`)) return true;
  if (name === daemonLockName || name === `${daemonLockName}-journal`) return true;
  if (!name.endsWith(lockEnding)) return false;
  return [locksFolder, relaysFolder].includes(basename(dirname(path)).toLowerCase());
}

/** The name of the folder that holds the outputs of a session. */
export function outputFolderName(sessionId: string): string {
  return encodeURIComponent(sessionId).replaceAll(".", "%2E");
}
