// Deleted sessions whose content still has to be deleted (protocol.md section 9). A
// long session is deleted in small steps, so that no step holds up a turn or another server.
import type { Database } from "./database.js";
import { MessageRemoval } from "./messageRemoval.js";

/** A file has the table from this number of migrations on. */
const forgottenFrom = 12;
const messagesPerStep = 100;
const rowsPerStep = 200;
/** After this many bytes a step deletes no further message. */
const bytesPerStep = 2 * 1024 * 1024;

/** The content of deleted sessions. */
export class ForgottenSessions {
  readonly #database: Database;
  readonly #removal: MessageRemoval;
  /** Up to which position the messages of a session were looked at: damaged ones stay. */
  readonly #lookedAt = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
    this.#removal = new MessageRemoval(database);
  }

  get #isKept(): boolean {
    return this.#database.steps >= forgottenFrom;
  }

  /**
   * Deletes the row of a session, so that its content is deleted in steps. While an older server prevents
   * the migration for this, all is deleted at once. Call it in a transaction. Damaged rows stay in the
   * file, and no longer belong to a session.
   */
  deleteSession(sessionId: string): void {
    if (this.#isKept) {
      this.#database
        .prepare("INSERT OR IGNORE INTO forgottenSessions (sessionId) VALUES (?)")
        .run(sessionId);
    } else {
      const sql = "SELECT position FROM messages WHERE sessionId = ?";
      for (const { position } of this.#database.prepare(sql).all(sessionId)) {
        this.#removal.remove(Number(position));
      }
    }
    this.#delete("sessions", "id", sessionId);
  }

  /** Whether content of a deleted session may be left. */
  has(sessionId: string): boolean {
    if (!this.#isKept) return false;
    const sql = "SELECT 1 FROM forgottenSessions WHERE sessionId = ?";
    return this.#database.prepare(sql).get(sessionId) !== undefined;
  }

  /** A deleted session whose content may be left. */
  get next(): string | undefined {
    if (!this.#isKept) return undefined;
    const row = this.#database.prepare("SELECT sessionId FROM forgottenSessions LIMIT 1").get();
    return row === undefined ? undefined : String(row.sessionId);
  }

  /**
   * Deletes a small part of a session's content. Unacknowledged completions stay, and for each `runId`
   * its hash, session and state.
   */
  step(sessionId: string): void {
    this.#database.write(() => {
      if (this.#deleteMessages(sessionId)) return;
      if (this.#change(sessionId, acknowledged) > 0) return;
      if (this.#change(sessionId, nameless) > 0) return;
      if (this.#change(sessionId, named) > 0) return;
      this.#database.prepare("DELETE FROM forgottenSessions WHERE sessionId = ?").run(sessionId);
      this.#lookedAt.delete(sessionId);
    });
  }

  #deleteMessages(sessionId: string): boolean {
    const positions = this.#database
      .prepare(
        "SELECT position FROM messages WHERE sessionId = ? AND position > ? ORDER BY position LIMIT ?",
      )
      .all(sessionId, this.#lookedAt.get(sessionId) ?? 0, messagesPerStep)
      .map(({ position }) => Number(position));
    let bytes = 0;
    for (const position of positions) {
      bytes += this.#removal.remove(position).bytes;
      this.#lookedAt.set(sessionId, position);
      if (bytes >= bytesPerStep) break;
    }
    return positions.length > 0;
  }

  #delete(table: string, key: string, value: string | number): void {
    this.#database.attempt(
      `delete ${table} ${value}`,
      () => this.#database.prepare(`DELETE FROM ${table} WHERE ${key} = ?`).run(value).changes,
      (reason) => {
        this.#database.damage.tell({ table, id: value, reason });
        return 0;
      },
    );
  }

  /** Returns the number of changed rows; 0 as well if one of them is damaged. */
  #change(sessionId: string, sql: string): number {
    return this.#database.attempt(
      `${sql} ${sessionId}`,
      () => this.#database.prepare(sql).run(sessionId, rowsPerStep).changes,
      () => 0,
    );
  }
}

const acknowledged = `DELETE FROM completions WHERE sequence IN (SELECT sequence FROM completions
  WHERE sessionId = ? AND acknowledgedAt IS NOT NULL LIMIT ?)`;
const nameless = `DELETE FROM runs WHERE position IN (SELECT position FROM runs
  WHERE sessionId = ? AND runId IS NULL AND state = 'completed'
    AND NOT EXISTS (SELECT 1 FROM completions WHERE run = runs.position) LIMIT ?)`;
/** Clears the server, client and options of an ended run. They are no longer needed. */
const named = `UPDATE runs SET clientId = '', serverId = '', options = NULL WHERE position IN (SELECT position FROM runs
  WHERE sessionId = ? AND state = 'completed' AND serverId <> ''
    AND NOT EXISTS (SELECT 1 FROM completions WHERE run = runs.position) LIMIT ?)`;
