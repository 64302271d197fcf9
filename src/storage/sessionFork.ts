// The forks of sessions that are under way (protocol.md section 4, Taking back): they are given up, or
// what they have copied is added to the search index.
import type { Database } from "./database.js";
import { SearchIndex } from "./searchIndex.js";

/** A database with fewer steps cannot note that a fork is under way. */
const forksFrom = 15;
/** Looking words up costs more than copying them. */
const mostBytesIndexed = 128 * 1024;
const mostRowsIndexed = 50;

/** A fork that is not whole, or that cannot be found by all of its words yet. */
export interface OpenFork {
  readonly sessionId: string;
  readonly serverId: string;
  /** Whether messages are still to be copied. Else they are still to be added to the search index. */
  readonly isCopying: boolean;
}

/** The forks of a data directory. Each step is small enough for the event loop. */
export class SessionForks {
  readonly #database: Database;
  readonly #index: SearchIndex;

  constructor(database: Database) {
    this.#database = database;
    this.#index = new SearchIndex(database);
  }

  /** Whether a fork can be noted at all. */
  get isKept(): boolean {
    return this.#database.steps >= forksFrom;
  }

  /** Gives up what a server has copied. A `Forgetter` deletes it. False if there is no such fork. */
  abandon(newId: string, serverId: string): boolean {
    return this.#database.write(() => {
      const { changes } = this.#database
        .prepare("DELETE FROM openForks WHERE sessionId = ? AND serverId = ? AND indexedTo IS NULL")
        .run(newId, serverId);
      if (changes === 0) return false;
      this.#database
        .prepare("INSERT OR IGNORE INTO forgottenSessions (sessionId) VALUES (?)")
        .run(newId);
      return true;
    });
  }

  /** The forks that are under way in any server, or were when it died. */
  all(): OpenFork[] {
    if (!this.isKept) return [];
    return this.#database
      .prepare("SELECT sessionId, serverId, indexedTo FROM openForks")
      .all()
      .map(({ sessionId, serverId, indexedTo }) => ({
        sessionId: String(sessionId),
        serverId: String(serverId),
        isCopying: indexedTo === null,
      }));
  }

  /** Whether a session is being copied by any server. */
  isCopied(sessionId: string): boolean {
    if (!this.isKept) return false;
    const sql = "SELECT 1 FROM openForks WHERE source = ? AND indexedTo IS NULL LIMIT 1";
    return this.#database.prepare(sql).get(sessionId) !== undefined;
  }

  /** Adds some more of the copied messages to the search index. False if there are no more. */
  index(newId: string): boolean {
    return this.#database.write(() => {
      const read = "SELECT indexedTo FROM openForks WHERE sessionId = ? AND indexedTo IS NOT NULL";
      const open = this.#database.prepare(read).get(newId);
      if (open === undefined) return false;
      const after = Number(open.indexedTo);
      const upTo = Number.MAX_SAFE_INTEGER;
      const rows = withinBytes(
        messageSizes(this.#database, newId, { after, upTo, most: mostRowsIndexed }),
        mostBytesIndexed,
      );
      for (const { position } of rows) this.#index.moved(position);
      const last = rows.at(-1)?.position;
      const sql =
        last === undefined
          ? "DELETE FROM openForks WHERE sessionId = ?1"
          : "UPDATE openForks SET indexedTo = ?2 WHERE sessionId = ?1";
      this.#database.prepare(sql).run(...(last === undefined ? [newId] : [newId, last]));
      return last !== undefined;
    });
  }
}

/** A message, and how large it is. */
interface SizedRow {
  readonly position: number;
  readonly size: number;
}

/** The next messages of a session, with their sizes in bytes. */
export function messageSizes(
  database: Database,
  sessionId: string,
  { after, upTo, most }: { readonly after: number; readonly upTo: number; readonly most: number },
): SizedRow[] {
  return database
    .prepare(
      `SELECT position, octet_length(parts) AS size FROM messages
         WHERE sessionId = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`,
    )
    .all(sessionId, after, upTo, most)
    .map(({ position, size }) => ({ position: Number(position), size: Number(size) }));
}

/** The first rows that are not larger than `most` in all; at least one. */
export function withinBytes(rows: readonly SizedRow[], most: number): readonly SizedRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ size }, index) => {
    bytes += size;
    return index > 0 && bytes > most;
  });
  return end < 0 ? rows : rows.slice(0, end);
}
