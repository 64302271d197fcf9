import type { Database, Row } from "./database.js";

/** A completion as it is stored; its body is JSON text without `sequence` and `attempt`. */
export interface CompletionRow {
  readonly sequence: number;
  readonly completionId: string;
  readonly clientId: string;
  readonly workspaceId: string;
  readonly sessionId: string;
  readonly body: string;
  /** How often it has been sent. */
  readonly attempt: number;
}

/** What a new completion is stored with. */
export interface NewCompletion extends Omit<CompletionRow, "sequence" | "attempt"> {
  /** The position of its run: a run has one completion. */
  readonly run: number;
  /** The server that wrote it. */
  readonly serverId: string;
}

/** Which completions a connection is to get. */
export interface PendingFilter {
  readonly clientId: string;
  /** Whose completions it gets as they come. */
  readonly serverId: string;
  /** Up to this sequence it gets those of every server. */
  readonly backlogEnd: number;
}

/** The outbox's table (protocol.md section 5). */
export class CompletionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores a completion; returns its sequence. A second one for the same run is an error. */
  insert(completion: NewCompletion): number {
    return this.#database
      .prepare(
        `INSERT INTO completions (completionId, run, clientId, serverId, workspaceId, sessionId, body)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        completion.completionId,
        completion.run,
        completion.clientId,
        completion.serverId,
        completion.workspaceId,
        completion.sessionId,
        completion.body,
      ).lastInsertRowid;
  }

  /** The completion of the run at a position. */
  ofRun(run: number): CompletionRow | undefined {
    return one(this.#database.prepare("SELECT * FROM completions WHERE run = ?").get(run));
  }

  /** The next unacknowledged completion of a connection in (`after`, `upTo`]. */
  nextPending(filter: PendingFilter, after: number, upTo: number): CompletionRow | undefined {
    return one(
      this.#database
        .prepare(
          `SELECT * FROM completions WHERE clientId = ? AND acknowledgedAt IS NULL
             AND sequence > ? AND sequence <= ? AND (sequence <= ? OR serverId = ?)
           ORDER BY sequence LIMIT 1`,
        )
        .get(filter.clientId, after, upTo, filter.backlogEnd, filter.serverId),
    );
  }

  /**
   * Counts a delivery, before it is made; returns the attempt's number, or undefined where the
   * completion has been acknowledged meanwhile.
   */
  countAttempt(sequence: number): number | undefined {
    // In a transaction of its own, whose commit says whether the disk took it: a statement that is
    // read for its answer alone would not.
    const row = this.#database.write(() =>
      this.#database
        .prepare(
          `UPDATE completions SET attempt = attempt + 1
           WHERE sequence = ? AND acknowledgedAt IS NULL RETURNING attempt`,
        )
        .get(sequence),
    );
    return row === undefined ? undefined : Number(row.attempt);
  }

  /** How many of a client's completions are unacknowledged, and the last sequence of all. */
  backlog(clientId: string): { count: number; end: number } {
    const pending = this.#database
      .prepare(
        "SELECT count(*) AS n FROM completions WHERE clientId = ? AND acknowledgedAt IS NULL",
      )
      .get(clientId);
    const last = this.#database.prepare("SELECT max(sequence) AS n FROM completions").get();
    return { count: Number(pending?.n ?? 0), end: Number(last?.n ?? 0) };
  }

  /** A client's unacknowledged completions, by sequence, of all or one workspace or session. */
  listPending(clientId: string, workspaceId?: string, sessionId?: string): CompletionRow[] {
    return this.#database
      .prepare(
        `SELECT * FROM completions WHERE clientId = ?1 AND acknowledgedAt IS NULL
           AND (?2 IS NULL OR workspaceId = ?2) AND (?3 IS NULL OR sessionId = ?3)
         ORDER BY sequence`,
      )
      .all(clientId, workspaceId ?? null, sessionId ?? null)
      .map(toRow);
  }

  /** Marks a client's completion as taken in; false where it has none with this id. */
  acknowledge(clientId: string, completionId: string, now: number): boolean {
    return (
      this.#database
        .prepare(
          `UPDATE completions SET acknowledgedAt = coalesce(acknowledgedAt, ?)
           WHERE completionId = ? AND clientId = ?`,
        )
        .run(now, completionId, clientId).changes === 1
    );
  }

  /** Deletes up to `limit` completions that were acknowledged before `time`; returns how many. */
  prune(time: number, limit: number): number {
    return this.#database
      .prepare(
        `DELETE FROM completions WHERE sequence IN (
           SELECT sequence FROM completions
           WHERE acknowledgedAt IS NOT NULL AND acknowledgedAt < ? ORDER BY acknowledgedAt LIMIT ?)`,
      )
      .run(time, limit).changes;
  }

  /** Gives a client's completions to the identity that it has now told. */
  adopt(from: string, to: string): void {
    this.#database.prepare("UPDATE completions SET clientId = ? WHERE clientId = ?").run(to, from);
  }
}

function one(row: Row | undefined): CompletionRow | undefined {
  return row === undefined ? undefined : toRow(row);
}

function toRow(row: Row): CompletionRow {
  return {
    sequence: Number(row.sequence),
    completionId: String(row.completionId),
    clientId: String(row.clientId),
    workspaceId: String(row.workspaceId),
    sessionId: String(row.sessionId),
    body: String(row.body),
    attempt: Number(row.attempt),
  };
}
