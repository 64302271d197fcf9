import { Attachments } from "./attachments.js";
import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { type MessageRow, MessageRows } from "./messageRows.js";
import { SearchIndex } from "./searchIndex.js";
import { type StreamedPiece, StreamedText } from "./streamedText.js";

/** A page of messages with so many bytes ends: all of it is parsed, and sent, in one piece. */
const mostOfPage = 4 * 1024 * 1024;

/** The values of a new message. */
export interface NewMessageRow
  extends Omit<MessageRow, "position" | "parts" | "circumstances" | "updatedAt"> {
  readonly parts: string;
  /** The run whose turn wrote it. */
  readonly run: number | undefined;
  readonly circumstances?: string | undefined;
}

/** The messages of every session, and the bytes of their attachments. */
export class MessageStore {
  readonly #database: Database;
  readonly #rows: MessageRows;
  readonly #index: SearchIndex;
  readonly #streamed: StreamedText;
  readonly #attachments: Attachments;

  constructor(database: Database) {
    this.#database = database;
    this.#rows = new MessageRows(database);
    this.#index = new SearchIndex(database);
    this.#streamed = new StreamedText(database);
    this.#attachments = new Attachments(database);
  }

  /** Stores a new message and counts it in its session. */
  insert(message: NewMessageRow, attachments: ReadonlyMap<number, Uint8Array> = new Map()): void {
    this.#database.write(() => {
      const { lastInsertRowid } = this.#database
        .prepare(
          `INSERT INTO messages (id, sessionId, run, role, parts, model, provider, isSummary, circumstances, createdAt, updatedAt)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          message.id,
          message.sessionId,
          message.run ?? null,
          message.role,
          message.parts,
          message.model ?? null,
          message.provider ?? null,
          message.isSummary ? 1 : 0,
          message.circumstances ?? null,
          message.createdAt,
          message.createdAt,
        );
      this.#database
        .prepare("UPDATE sessions SET messageCount = messageCount + 1, updatedAt = ? WHERE id = ?")
        .run(message.createdAt, message.sessionId);
      for (const [partIndex, data] of attachments) this.attach(message.id, partIndex, data);
      if (message.role === "user") this.#index.message(lastInsertRowid, message.parts);
    });
  }

  /** Stores the bytes of a message's attachment. */
  attach(messageId: string, partIndex: number, data: Uint8Array): void {
    this.#attachments.add(messageId, partIndex, data);
  }

  /**
   * Replaces a message's parts; with `isFinal` they can be searched for from now on. `stored` is called
   * once they are committed.
   */
  update(id: string, parts: string, now: number, isFinal = false, stored?: () => void): void {
    const update = this.#database.prepare(
      "UPDATE messages SET parts = ?, updatedAt = ? WHERE id = ?",
    );
    if (!isFinal && stored === undefined) {
      update.run(parts, now, id);
      return;
    }
    this.#database.write(() => {
      update.run(parts, now, id);
      if (stored !== undefined) this.#database.afterCommit(stored);
      if (isFinal) this.#indexed(id, parts);
    });
  }

  #indexed(id: string, parts: string): void {
    const row = this.#database.prepare("SELECT position FROM messages WHERE id = ?").get(id);
    if (row !== undefined) this.#index.message(Number(row.position), parts);
  }

  /**
   * Stores text that was appended to a message's parts since it was stored. Returns false if that is
   * impossible: then the parts have to be replaced. `stored` is called once it is committed.
   */
  append(id: string, pieces: readonly StreamedPiece[], now: number, stored?: () => void): boolean {
    if (!this.#streamed.isThere) return false;
    this.#database.write(() => {
      this.#streamed.add(id, pieces, now);
      if (stored !== undefined) this.#database.afterCommit(stored);
    });
    return true;
  }

  /** The message at a position, of any session. */
  at(position: number): MessageRow | undefined {
    return this.#rows.at(position, {});
  }

  /** One message of a session. */
  find(sessionId: string, id: string): MessageRow | undefined {
    const found = this.#database.prepare("SELECT position FROM messages WHERE id = ?").get(id);
    if (found === undefined) return undefined;
    const row = this.#rows.at(Number(found.position), { id, sessionId });
    return row?.sessionId === sessionId ? row : undefined;
  }

  /**
   * A page of a session's messages, oldest first, after `position`: at most `limit`, and none
   * behind 4 MiB of them. A damaged message is included without its parts.
   */
  list(sessionId: string, limit: number, after = 0): { rows: MessageRow[]; isCut: boolean } {
    const positions = this.#rows.positions(
      (index) =>
        `SELECT position FROM messages ${index} WHERE sessionId = ? AND position > ? ORDER BY position LIMIT ?`,
      [sessionId, after, limit],
    );
    const rows: MessageRow[] = [];
    let room = mostOfPage;
    for (const position of positions) {
      if (room <= 0) return { rows, isCut: true };
      const row = this.#rows.at(position, { sessionId });
      if (row === undefined) continue;
      room -= Buffer.byteLength(row.parts ?? "");
      rows.push(row);
    }
    return { rows, isCut: false };
  }

  /** The reader of a message's parts has found it damaged. It is reported once. */
  reportDamage(id: string, reason: string): void {
    this.#rows.report(id, reason);
  }

  /**
   * The messages that a run's turn wrote, oldest first, each read when it is asked for: a run may have
   * written more than a server can hold.
   */
  *ofRun(sessionId: string, run: number): Generator<MessageRow> {
    const positions = readOr(
      () =>
        this.#database
          .prepare(
            "SELECT position FROM messages WHERE sessionId = ? AND run = ? ORDER BY position",
          )
          .all(sessionId, run)
          .map((row) => Number(row.position)),
      () => this.#rows.positionsOfRun(sessionId, run),
    );
    for (const position of positions) {
      const row = this.#rows.at(position, { sessionId });
      if (row !== undefined) yield row;
    }
  }

  /** The last reply of a session, with what comes after it. */
  *fromLastReply(sessionId: string): Generator<MessageRow> {
    const sql = `SELECT position FROM messages WHERE sessionId = ?1 AND position >= (SELECT max(position)
      FROM messages WHERE sessionId = ?1 AND role = 'assistant') ORDER BY position`;
    for (const { position } of this.#database.prepare(sql).all(sessionId)) {
      const row = this.#rows.at(Number(position), { sessionId });
      if (row !== undefined) yield row;
    }
  }

  /** The sessions in which a run's sub-tasks wrote. */
  subTaskSessions(sessionId: string, run: number): string[] {
    return this.#database
      .prepare(
        `SELECT id FROM sessions WHERE parentSessionId = ?
           AND EXISTS (SELECT 1 FROM messages WHERE sessionId = sessions.id AND run = ?)
         ORDER BY position`,
      )
      .all(sessionId, run)
      .map((row) => String(row.id));
  }

  /** The bytes of a message's attachments, by the index of their part; without damaged ones. */
  attachments(id: string): Map<number, Uint8Array> {
    return this.#attachments.of(id);
  }
}
