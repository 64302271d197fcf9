// Stores which clients are connected to which server (protocol.md section 5). So a completion
// reaches its client on any server.
import type { Database } from "./database.js";
import { startTime, stopTime } from "./leftQuestions.js";

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

  /**
   * Stores that a client is connected to a server. The time of its questions that no server has stands
   * still from then on. `now` is in milliseconds since the Unix epoch.
   */
  add(serverId: string, clientId: string, now: number): void {
    if (!this.isKept) return;
    const sql = "INSERT OR IGNORE INTO connections (serverId, clientId) VALUES (?, ?)";
    this.#database.write(() => {
      const { changes } = this.#database.prepare(sql).run(serverId, clientId);
      if (changes > 0) stopTime(this.#database, clientId, now);
    });
  }

  /** Stores that a client is no longer connected to a server: the time of those questions runs. */
  remove(serverId: string, clientId: string, now: number): void {
    if (!this.isKept) return;
    const sql = "DELETE FROM connections WHERE serverId = ? AND clientId = ?";
    this.#database.write(() => {
      const { changes } = this.#database.prepare(sql).run(serverId, clientId);
      if (changes > 0) startTime(this.#database, clientId, now);
    });
  }

  /** Forgets the connections of a server that has ended; `at` is when it was last known to live. */
  forget(serverId: string, at: number): void {
    if (!this.isKept) return;
    const sql = "DELETE FROM connections WHERE serverId = ? RETURNING clientId";
    this.#database.write(() => {
      for (const { clientId } of this.#database.prepare(sql).all(serverId)) {
        startTime(this.#database, String(clientId), at);
      }
    });
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
