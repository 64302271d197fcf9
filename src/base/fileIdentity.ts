import { type BigIntStats, statSync } from "node:fs";

/** The identity of a file that is not there. */
export const missingIdentity = "missing";

/**
 * What stands for a file's content: it changes when the file does, or the link to it. Two missing
 * files are the same, and a folder is no file. It is asked at every turn, and synchronously: a look at a file takes a few
 * microseconds, and handing it to another thread many times that.
 */
export function identityOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats === undefined || stats.isDirectory() ? missingIdentity : identityFrom(stats);
  } catch {
    // The code that reads the file says why.
    return "unreadable";
  }
}

/** The identity of a file whose status is known. */
export function identityFrom({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

/** Which file a path leads to; empty where there is none. */
export function inodeOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? "" : `${found.dev}:${found.ino}`;
}
