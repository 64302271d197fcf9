// Stores which clients are connected to which server (protocol.md section 5). So a completion
// reaches its client on any server.
import type { Database } from "./database.js";

/** A file with fewer steps has no table of connections. */
const connectionsFrom = 7;

/** The table of connections. While an older server keeps the file without it, nothing is stored. */
export class ConnectionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Whether connections are stored at all. If not, nothing is known about the connections of any
   * server.
   */
  get isKept(): boolean {
    return this.#database.steps >= connectionsFrom;
  }

  /** Stores that a client is connected to a server. */
  add(serverId: string, clientId: string): void {
    if (!this.isKept) return;
    this.#database
      .prepare("INSERT OR IGNORE INTO connections (serverId, clientId) VALUES (?, ?)")
      .run(serverId, clientId);
  }

  /** Stores that a client is no longer connected to a server. */
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

  /** Whether a client is connected to a server; also false if connections are not stored. */
  has(serverId: string, clientId: string): boolean {
    if (!this.isKept) return false;
    return (
      this.#database
        .prepare("SELECT 1 FROM connections WHERE serverId = ? AND clientId = ?")
        .get(serverId, clientId) !== undefined
    );
  }
}
