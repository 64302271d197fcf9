import { CompletionReader } from "./completionReader.js";
import type { CompletionRow } from "./completionRow.js";
import { readOr } from "./damage.js";
import type { Database, Row } from "./database.js";
import { NoteStore } from "./noteStore.js";
import { isRelayed } from "./relayHold.js";

export type { CompletionRow } from "./completionRow.js";

/** The values of a new completion. */
export interface NewCompletion extends Omit<CompletionRow, "sequence" | "attempt" | "body"> {
  readonly body: string;
}

/** Which completions a connection is to get. */
export interface PendingFilter {
  readonly clientId: string;
  /** The server whose new completions it gets. */
  readonly serverId: string;
  /** Up to this sequence it gets those of every server. */
  readonly backlogEnd: number;
}

/** The note with the acknowledged completions whose damaged rows could not be updated. */
const takenInNote = "takenInDamaged";

/** Which unacknowledged completions are asked for. */
export interface PendingPlace {
  readonly workspaceId?: string | undefined;
  readonly sessionId?: string | undefined;
  /** Those behind this sequence. */
  readonly after?: number | undefined;
  /** How many are looked at. */
  readonly most: number;
}

/**
 * The outbox's table (protocol.md section 5). A damaged row is returned with what can be read of
 * it.
 */
export class CompletionStore {
  readonly #database: Database;
  readonly #notes: NoteStore;
  readonly #reader: CompletionReader;

  constructor(database: Database) {
    this.#database = database;
    this.#reader = new CompletionReader(database);
    this.#notes = new NoteStore(database);
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
    const found = this.#database.prepare("SELECT sequence FROM completions WHERE run = ?").get(run);
    return found === undefined ? undefined : this.#reader.at(Number(found.sequence), { run });
  }

  /** See {@link CompletionReader.following}. */
  following(after: number, most: { rows: number; bytes: number }): CompletionRow[] {
    return this.#reader.following(after, most);
  }

  /** See {@link CompletionReader.reportDamage}. */
  reportDamage(sequence: number, reason: string): void {
    this.#reader.reportDamage(sequence, reason);
  }

  /** The next unacknowledged completion of a connection in (`after`, `upTo`]. */
  nextPending(filter: PendingFilter, after: number, upTo: number): CompletionRow | undefined {
    const { clientId } = filter;
    const takenIn = this.#takenIn();
    for (let from = after; ; ) {
      const found = this.#database
        .prepare(
          `SELECT sequence FROM completions WHERE clientId = ? AND acknowledgedAt IS NULL
             AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT 1`,
        )
        .get(clientId, from, upTo);
      if (found === undefined) return undefined;
      from = Number(found.sequence);
      if (takenIn.has(from) || !this.#isFor(filter, from)) continue;
      return this.#reader.at(from, { clientId });
    }
  }

  /** The one of a sequence, unless it is acknowledged. */
  pendingAt(clientId: string, sequence: number): CompletionRow | undefined {
    return this.nextPending(
      { clientId, serverId: "", backlogEnd: sequence },
      sequence - 1,
      sequence,
    );
  }

  #isFor({ serverId, backlogEnd }: PendingFilter, sequence: number): boolean {
    if (sequence <= backlogEnd) return true;
    const statement = this.#database.prepare("SELECT serverId FROM completions WHERE sequence = ?");
    return readOr(
      () => statement.get(sequence)?.serverId === serverId,
      () => true,
    );
  }

  /** The sequences of damaged completions that were acknowledged. */
  #takenIn(): ReadonlySet<number> {
    const text = this.#notes.get(takenInNote);
    return new Set(text?.split(" ").map(Number) ?? []);
  }

  /**
   * Counts deliveries, before they are made, in one commit: all of them or, where that fails, none.
   * Returns each attempt's number, or undefined where the completion has been acknowledged meanwhile. A
   * damaged row cannot be updated; then the number is 1 again.
   */
  countAttempts(sequences: readonly number[]): (number | undefined)[] {
    // It is a transaction, so that the commit tells whether the disk accepted the write.
    const counted = readOr(
      () =>
        this.#database.writePart(() => sequences.map((sequence) => this.#countAttempt(sequence))),
      () => undefined,
    );
    if (counted !== undefined) return counted;
    // Something else than a row is damaged. Each alone, they do not stand in each other's way.
    if (sequences.length === 1) return [1];
    return sequences.flatMap((sequence) => this.countAttempts([sequence]));
  }

  #countAttempt(sequence: number): number | undefined {
    const row = this.#database.attempt<Row | undefined>(
      `count ${sequence}`,
      () =>
        this.#database
          .prepare(
            `UPDATE completions SET attempt = attempt + 1
             WHERE sequence = ? AND acknowledgedAt IS NULL RETURNING attempt`,
          )
          .get(sequence),
      () => ({ attempt: 1 }),
    );
    return row === undefined ? undefined : Number(row.attempt);
  }

  /** How many of a client's completions are unacknowledged, and the last sequence of all. */
  backlog(clientId: string): { count: number; end: number } {
    let count = this.#countUnacknowledged(clientId, 0, Number.MAX_SAFE_INTEGER);
    for (const sequence of this.#takenIn()) {
      count -= this.#countUnacknowledged(clientId, sequence - 1, sequence);
    }
    // This works even if the last page of the table is damaged.
    const last = this.#database
      .prepare("SELECT seq FROM sqlite_sequence WHERE name = 'completions'")
      .get();
    return { count, end: Number(last?.seq ?? 0) };
  }

  /**
   * How many lie in (`after`, `upTo`]. Those that were taken in although that could not be written are
   * among them. They are counted in the index, also where a page of the table is damaged.
   */
  #countUnacknowledged(clientId: string, after: number, upTo: number): number {
    const counted = this.#database
      .prepare(
        `SELECT count(*) AS count FROM completions INDEXED BY pendingCompletions
         WHERE clientId = ? AND acknowledgedAt IS NULL AND sequence > ? AND sequence <= ?`,
      )
      .get(clientId, after, upTo);
    return Number(counted?.count ?? 0);
  }

  /** Those that were taken in although that could not be written are among them. */
  #unacknowledged(clientId: string, after: number, most: number): number[] {
    return this.#database
      .prepare(
        `SELECT sequence FROM completions WHERE clientId = ? AND acknowledgedAt IS NULL AND sequence > ?
         ORDER BY sequence LIMIT ?`,
      )
      .all(clientId, after, most)
      .map((row) => Number(row.sequence));
  }

  /**
   * A client's unacknowledged completions behind a sequence, of all or one workspace or session: at most
   * `most` are looked at. Each is read when it is asked for; undefined stands for one that is not meant.
   */
  *pending(
    clientId: string,
    { workspaceId, sessionId, after, most }: PendingPlace,
  ): Generator<{ readonly sequence: number; readonly row: CompletionRow | undefined }> {
    const isMeant = (asked: string | undefined, found: string) =>
      asked === undefined || found === "" || asked === found;
    const takenIn = this.#takenIn();
    for (const sequence of this.#unacknowledged(clientId, after ?? 0, most)) {
      const row = this.#reader.at(sequence, { clientId });
      const isWanted =
        row !== undefined &&
        !takenIn.has(sequence) &&
        isMeant(workspaceId, row.workspaceId) &&
        isMeant(sessionId, row.sessionId);
      yield { sequence, row: isWanted ? row : undefined };
    }
  }

  /** Marks a client's completion as acknowledged; false if the client has none with this id. */
  acknowledge(clientId: string, completionId: string, now: number): boolean {
    return this.#database.attempt(
      `acknowledge ${completionId}`,
      () =>
        this.#database
          .prepare(
            `UPDATE completions SET acknowledgedAt = coalesce(acknowledgedAt, ?)
             WHERE completionId = ? AND clientId = ?`,
          )
          .run(now, completionId, clientId).changes === 1,
      () => this.#acknowledgeDamaged(clientId, completionId),
    );
  }

  /**
   * Remembers that a damaged row was acknowledged: the row itself cannot be written, and the next
   * connection must not get it again.
   */
  #acknowledgeDamaged(clientId: string, completionId: string): boolean {
    const found = this.#database
      .prepare("SELECT sequence FROM completions WHERE completionId = ?")
      .get(completionId);
    const sequence = Number(found?.sequence ?? 0);
    const takenIn = this.#takenIn();
    if (takenIn.has(sequence)) return true;
    if (this.#countUnacknowledged(clientId, sequence - 1, sequence) === 0) return false;
    this.#notes.set(takenInNote, [...takenIn, sequence].join(" "));
    return true;
  }

  /**
   * Deletes up to `limit` completions that were acknowledged before `time`; returns how many it has
   * looked at, or 0 if it could delete none of them. Damaged ones stay, and those that a relay needs.
   */
  prune(time: number, limit: number): number {
    const rows = this.#database
      .prepare(
        `SELECT sequence FROM completions INDEXED BY acknowledgedCompletions
         WHERE acknowledgedAt IS NOT NULL AND acknowledgedAt < ? AND ${isRelayed(this.#database)}
         ORDER BY acknowledgedAt LIMIT ?`,
      )
      .all(time, limit);
    const remove = this.#database.prepare("DELETE FROM completions WHERE sequence = ?");
    const removed = this.#database.write(() =>
      rows.filter(({ sequence }) =>
        this.#database.attempt(
          `prune ${sequence}`,
          () => remove.run(sequence ?? 0).changes > 0,
          (reason) => {
            this.reportDamage(Number(sequence), reason);
            return false;
          },
        ),
      ),
    );
    return removed.length === 0 ? 0 : rows.length;
  }

  /** Moves a client's unacknowledged completions to the identity that it has now given. */
  adopt(from: string, to: string): void {
    this.#database
      .prepare("UPDATE completions SET clientId = ? WHERE clientId = ? AND acknowledgedAt IS NULL")
      .run(to, from);
  }
}
