// The files of a data directory that nothing but the database may open. Their locks tell that a
// server lives and keep the database whole (protocol.md section 9), and POSIX takes all of a process's
// locks on a file away as soon as the process closes any handle of it: a tool that read one would
// have its own server taken for dead.
import { basename, dirname } from "node:path";

/** The database's name in the data directory; its journals are named after it. */
export const databaseName = "turnwire.db";
/** The folder in the data directory that holds a lock for every server. */
export const locksFolder = "servers";
/** The end of a lock's name. */
export const lockEnding = ".lock";

/**
 * Whether a path (absolute and real) is such a file, of whichever data directory. Told by its name,
 * without regard to case, as some file systems have it.
 */
export function isLockedDataFile(path: string): boolean {
  const name = basename(path).toLowerCase();
  if (name === databaseName || name.startsWith(`${databaseName}-`)) return true;
  return name.endsWith(lockEnding) && basename(dirname(path)).toLowerCase() === locksFolder;
}
