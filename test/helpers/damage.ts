// Damages database files as disks do: pages that are overwritten, files that end too early.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openStored } from "./storedFile.js";

const pageSize = 4096;
/** The first byte of the pages that lead to others. */
const innerPages = [2, 5];

/**
 * Lets go of every file that this process has closed: SQLite keeps one open until the last statement
 * on it has been collected.
 */
export async function releaseFiles(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Writes everything into the file, once: no log, and no old copies in unused room. */
export function settleFile(file: string): void {
  const sqlite = openStored(file);
  sqlite.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  sqlite.close();
}

/**
 * Overwrites every page of a closed file that has `needle` in it; returns how many there were.
 */
export function overwritePages(file: string, needle: string, fill = 0xa5): number {
  settleFile(file);
  const bytes = readFileSync(file);
  const pages = new Set<number>();
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) {
    const page = Math.floor(at / pageSize);
    // An inner page of a tree has old copies in its unused room.
    if (!innerPages.includes(bytes[page * pageSize] ?? 0)) pages.add(page);
  }
  const handle = openSync(file, "r+");
  for (const page of pages)
    writeSync(handle, Buffer.alloc(pageSize, fill), 0, pageSize, page * pageSize);
  closeSync(handle);
  return pages.size;
}

/** Changes a closed file by SQLite itself. */
export function bySqlite(file: string, sql: string, ...values: (string | number)[]): void {
  const sqlite = openStored(file);
  sqlite.prepare(sql).run(...values);
  sqlite.close();
}
