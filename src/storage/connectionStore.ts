// Which clients each server has connections of (protocol.md section 5), so that a completion finds its
// client in whichever server that is connected.
import type { Database } from "./database.js";

/** A file with fewer steps has no table of connections. */
const connectionsFrom = 7;

/** The table of connections. While an older server keeps the file without one, nothing is kept. */
export class ConnectionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Whether connections are kept at all: where not, nothing is known of any server's. */
  get isKept(): boolean {
    return this.#database.steps >= connectionsFrom;
  }

  /** A server has a connection of a client. */
  add(serverId: string, clientId: string): void {
    if (!this.isKept) return;
    this.#database
      .prepare("INSERT OR IGNORE INTO connections (serverId, clientId) VALUES (?, ?)")
      .run(serverId, clientId);
  }

  /** A server has no connection of a client any more. */
  remove(serverId: string, clientId: string): void {
    if (!this.isKept) return;
    this.#database
      .prepare("DELETE FROM connections WHERE serverId = ? AND clientId = ?")
      .run(serverId, clientId);
  }

  /** Forgets the connections of a server that has ended. */
  forget(serverId: string): void {
    if (!this.isKept) return;
    this.#database.prepare("DELETE FROM connections WHERE serverId = ?").run(serverId);
  }

  /** Whether a server has a connection of a client; false too where none are kept. */
  has(serverId: string, clientId: string): boolean {
    if (!this.isKept) return false;
    return (
      this.#database
        .prepare("SELECT 1 FROM connections WHERE serverId = ? AND clientId = ?")
        .get(serverId, clientId) !== undefined
    );
  }
}
