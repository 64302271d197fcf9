// Finds who uses a data directory, from outside. The database is only read, no lock is taken, and
// nothing is left behind. A server must not call it in its own process; base/dataFiles.ts explains
// why.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { databaseName, locksFolder } from "../base/dataFiles.js";
import type { Row } from "./database.js";
import { lives, type OtherServer, type OwnProcess, toOther } from "./knownServers.js";
import { openReadOnly } from "./openReadOnly.js";
import { storageError } from "./storageError.js";

/** A server that a data directory knows. */
export interface DataHolder extends OtherServer {
  readonly isAlive: boolean;
}

/**
 * The servers of a data directory, the oldest first: living ones, and dead ones whose runs the next
 * start will end. Empty if there is no database yet.
 *
 * @throws DomainError `StorageFailed` where the database cannot be read.
 */
export function dataHolders(dataDirectory: string, own: OwnProcess | undefined): DataHolder[] {
  const file = join(dataDirectory, databaseName);
  if (!existsSync(file)) return [];
  const locks = join(dataDirectory, locksFolder);
  try {
    return readServers(file)
      .map(toOther)
      .map((server) => ({ ...server, isAlive: lives(server, locks, own) }));
  } catch (error) {
    throw storageError(file, error);
  }
}

function readServers(file: string): Row[] {
  const sqlite = openReadOnly(file);
  try {
    const known = sqlite
      .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'servers'")
      .get();
    if (known === undefined) return [];
    return sqlite.prepare("SELECT * FROM servers ORDER BY startedAt").all() as Row[];
  } finally {
    sqlite.close();
  }
}
