import { type BigIntStats, statSync } from "node:fs";

/** The identity of a file that is not there. */
export const missingIdentity = "missing";

/**
 * A text that stands for a file's content: it changes when the file changes, or the link to it. All
 * missing files have the same identity, and a folder counts as missing. It is read synchronously at
 * every turn: that takes a few microseconds, and a thread would take many times as long.
 */
export function identityOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats === undefined || stats.isDirectory() ? missingIdentity : identityFrom(stats);
  } catch {
    // The code that reads the file reports the reason.
    return "unreadable";
  }
}

/** The identity of a file whose status is known. */
export function identityFrom({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

/** Which file a path leads to; empty if there is none. */
export function inodeOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? "" : `${found.dev}:${found.ino}`;
}
