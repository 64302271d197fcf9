// Copies a session up to a message (protocol.md section 4, Taking back). Only rows are copied. The bytes
// of attachments are not; they stay as long as one of the sessions has them.
import { DomainError } from "../base/errors.js";
import { checkpointsFrom } from "./checkpointRow.js";
import type { Database } from "./database.js";
import { SearchIndex } from "./searchIndex.js";

/** What is copied, and the title of the copy. */
export interface Fork {
  readonly sessionId: string;
  /** The position of the last message that is copied. */
  readonly upTo: number;
  readonly newId: string;
  /** A new id. The ids of the copied messages are made from it. */
  readonly messageIds: string;
  /** Undefined: the title of the session. */
  readonly title: string | undefined;
  readonly now: number;
}

/** Copies sessions. */
export class SessionForks {
  readonly #database: Database;
  readonly #index: SearchIndex;

  constructor(database: Database) {
    this.#database = database;
    this.#index = new SearchIndex(database);
  }

  /**
   * Copies a session without its usage: the usage of the copy is zero.
   *
   * @throws DomainError `StorageFailed` while an older server prevents a migration that this needs.
   */
  fork(fork: Fork): void {
    if (this.#database.steps < checkpointsFrom) {
      throw new DomainError(
        "StorageFailed",
        "An older server has this data directory open; no session can be forked until it has ended.",
        { data: { reason: "olderServerRunning" } },
      );
    }
    this.#database.write(() => {
      this.#copySession(fork);
      this.#copyMessages(fork);
      this.#settle(fork);
      this.#index.title(fork.newId);
    });
  }

  #copySession({ sessionId, newId, upTo, title, now }: Fork): void {
    this.#database
      .prepare(
        `INSERT INTO sessions (id, workspaceId, title, isTitleGiven, todos, defaults, createdAt, updatedAt)
         SELECT ?, workspaceId, coalesce(?, title), max(isTitleGiven, ?),
           CASE WHEN later.position IS NULL THEN sessions.todos ELSE later.todos END, defaults, ?, ?
         FROM sessions LEFT JOIN checkpoints AS later ON later.position =
           (SELECT min(position) FROM checkpoints WHERE sessionId = ? AND lastMessage >= ?)
         WHERE sessions.id = ?`,
      )
      .run(newId, title ?? null, Number(Boolean(title)), now, now, sessionId, upTo, sessionId);
  }

  /**
   * A copied message belongs to no run of the new session. It can still be told which messages had the
   * same run.
   */
  #copyMessages({ sessionId, newId, messageIds, upTo }: Fork): void {
    this.#database
      .prepare(
        `INSERT INTO messages (id, sessionId, run, role, parts, model, provider, isSummary,
           circumstances, createdAt, updatedAt, attachmentsOf)
         SELECT ? || '_' || row_number() OVER (ORDER BY position), ?, -abs(run), role, parts, model,
           provider, isSummary, circumstances, createdAt, updatedAt, coalesce(attachmentsOf,
             CASE WHEN EXISTS (SELECT 1 FROM attachments WHERE messageId = messages.id) THEN id END)
         FROM messages WHERE sessionId = ? AND position <= ? ORDER BY position`,
      )
      .run(messageIds, newId, sessionId, upTo);
  }

  #settle({ newId }: Fork): void {
    this.#database
      .prepare(
        `UPDATE sessions SET
           messageCount = (SELECT count(*) FROM messages WHERE sessionId = ?1),
           summaryMessageId = (SELECT id FROM messages WHERE sessionId = ?1 AND isSummary = 1
             ORDER BY position DESC LIMIT 1)
         WHERE id = ?1`,
      )
      .run(newId);
  }

  /**
   * Adds some of the copied messages after `position` to the search index. Returns where to go on, or
   * undefined at the end.
   */
  index(newId: string, after: number): number | undefined {
    const rows = this.#database
      .prepare(
        "SELECT position FROM messages WHERE sessionId = ? AND position > ? ORDER BY position LIMIT 50",
      )
      .all(newId, after);
    this.#database.write(() => {
      for (const { position } of rows) this.#index.moved(Number(position));
    });
    const last = rows.at(-1);
    return last === undefined ? undefined : Number(last.position);
  }
}
