import { readOr } from "./damage.js";
import type { Database, Row } from "./database.js";

/** The values of another server's completion that decide whether it is due here. */
export interface OtherCompletion {
  readonly sequence: number;
  readonly serverId: string;
  readonly sessionId: string;
  /** The position of its run. */
  readonly run: number;
}

/** How many of others' completions are read at a time. */
const atOnce = 500;

/** The completions that servers other than this one wrote, in the outbox's table. */
export class OtherCompletions {
  readonly #database: Database;
  readonly #serverId: string;

  constructor(database: Database, serverId: string) {
    this.#database = database;
    this.#serverId = serverId;
  }

  /**
   * The unacknowledged completions of a client in (`after`, `upTo`], as far as they can be read.
   */
  *pending(clientId: string, after: number, upTo: number): Generator<OtherCompletion> {
    let from = after;
    for (;;) {
      const rows = this.#page(clientId, from, upTo);
      for (const row of rows) yield toOther(row);
      if (rows.length < atOnce) return;
      from = Number(rows.at(-1)?.sequence);
    }
  }

  /** A damaged row is delivered with the backlog, at the next `initialize`. */
  #page(clientId: string, after: number, upTo: number): Row[] {
    return readOr<Row[]>(
      () =>
        this.#database
          .prepare(
            `SELECT sequence, serverId, sessionId, run FROM completions
             WHERE clientId = ? AND acknowledgedAt IS NULL AND sequence > ? AND sequence <= ?
               AND serverId <> ? ORDER BY sequence LIMIT ?`,
          )
          .all(clientId, after, upTo, this.#serverId, atOnce),
      () => [],
    );
  }

  /** The last sequence of all completions; 0 where there is none. */
  get end(): number {
    const last = this.#database
      .prepare("SELECT seq FROM sqlite_sequence WHERE name = 'completions'")
      .get();
    return Number(last?.seq ?? 0);
  }
}

function toOther(row: Row): OtherCompletion {
  return {
    sequence: Number(row.sequence),
    serverId: String(row.serverId),
    sessionId: String(row.sessionId),
    run: Number(row.run),
  };
}
