import type { Database, Row } from "./database.js";

/** A message as it is stored; its parts are JSON text. */
export interface MessageRow {
  readonly position: number;
  readonly id: string;
  readonly sessionId: string;
  readonly role: string;
  readonly parts: string;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  readonly isSummary: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What of a message is sent to a model again. */
export type HistoryRow = Pick<
  MessageRow,
  "id" | "role" | "parts" | "isSummary" | "model" | "provider"
> & {
  /** What the model was told along with it, as JSON text. */
  readonly circumstances: string | undefined;
};

/** What a new message is stored with. */
export interface NewMessageRow extends Omit<MessageRow, "position" | "updatedAt"> {
  /** The run whose turn wrote it. */
  readonly run: number | undefined;
  readonly circumstances?: string | undefined;
}

/** The messages of every session, and the bytes that came with them. */
export class MessageStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores a new message and counts it in its session. */
  insert(message: NewMessageRow, attachments: ReadonlyMap<number, Uint8Array> = new Map()): void {
    this.#database.write(() => {
      this.#database
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
      for (const [partIndex, data] of attachments) {
        this.#database
          .prepare("INSERT INTO attachments (messageId, partIndex, data) VALUES (?, ?, ?)")
          .run(message.id, partIndex, data);
      }
    });
  }

  /** Replaces a message's parts. */
  update(id: string, parts: string, now: number): void {
    this.#database
      .prepare("UPDATE messages SET parts = ?, updatedAt = ? WHERE id = ?")
      .run(parts, now, id);
  }

  /** One message of a session. */
  find(sessionId: string, id: string): MessageRow | undefined {
    const row = this.#database
      .prepare("SELECT * FROM messages WHERE id = ? AND sessionId = ?")
      .get(id, sessionId);
    return row === undefined ? undefined : toRow(row);
  }

  /** A page of a session's messages, oldest first, after `position`. */
  list(sessionId: string, limit: number, after = 0): MessageRow[] {
    return this.#database
      .prepare(
        "SELECT * FROM messages WHERE sessionId = ? AND position > ? ORDER BY position LIMIT ?",
      )
      .all(sessionId, after, limit)
      .map(toRow);
  }

  /**
   * A session's messages as a model is to see them, oldest first: all, or where `summaryId` is given
   * the summary, what the user said in the turn that made it, and what came after it (`protocol.md`
   * section 4, Summaries). A long history is read at every turn, so no more than a model needs.
   */
  history(sessionId: string, summaryId: string | undefined): HistoryRow[] {
    const summary = summaryId === undefined ? undefined : this.find(sessionId, summaryId);
    const after = this.#between(sessionId, summary?.position ?? 0, Number.MAX_SAFE_INTEGER);
    if (summary === undefined) return after;
    const begin = this.#beginOfTurn(sessionId, summary.position);
    const said = this.#between(sessionId, begin, summary.position).filter(
      ({ role }) => role === "user",
    );
    const { id, role, parts, isSummary, model, provider } = summary;
    const first = { id, role, parts, isSummary, model, provider, circumstances: undefined };
    return [first, ...said, ...after];
  }

  /** The messages between two positions, without the summaries: those were replaced, or came to nothing. */
  #between(sessionId: string, after: number, before: number): HistoryRow[] {
    return this.#database
      .prepare(
        `SELECT id, role, parts, model, provider, circumstances FROM messages
         WHERE sessionId = ? AND position > ? AND position < ? AND isSummary = 0 ORDER BY position`,
      )
      .all(sessionId, after, before)
      .map((row) => ({
        id: String(row.id),
        role: String(row.role),
        parts: String(row.parts),
        model: typeof row.model === "string" ? row.model : undefined,
        provider: typeof row.provider === "string" ? row.provider : undefined,
        circumstances: typeof row.circumstances === "string" ? row.circumstances : undefined,
        isSummary: false,
      }));
  }

  /** The position of the last message before the turn that wrote the message at `position`. */
  #beginOfTurn(sessionId: string, position: number): number {
    const own = this.#database.prepare("SELECT run FROM messages WHERE position = ?").get(position);
    if (typeof own?.run !== "number") return position;
    const row = this.#database
      .prepare(
        `SELECT position FROM messages WHERE sessionId = ? AND position < ? AND run IS NOT ?
         ORDER BY position DESC LIMIT 1`,
      )
      .get(sessionId, position, own.run);
    return Number(row?.position ?? 0);
  }

  /** The messages that a run's turn wrote, oldest first. */
  ofRun(sessionId: string, run: number): MessageRow[] {
    return this.#database
      .prepare("SELECT * FROM messages WHERE sessionId = ? AND run = ? ORDER BY position")
      .all(sessionId, run)
      .map(toRow);
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

  /** The last assistant message that a run's turn wrote. */
  lastAssistantOf(run: number, sessionId: string): MessageRow | undefined {
    const row = this.#database
      .prepare(
        `SELECT * FROM messages WHERE sessionId = ? AND run = ? AND role = 'assistant' AND isSummary = 0
         ORDER BY position DESC LIMIT 1`,
      )
      .get(sessionId, run);
    return row === undefined ? undefined : toRow(row);
  }

  /** The bytes that came with a message, by the index of their part. */
  attachments(messageId: string): Map<number, Uint8Array> {
    const rows = this.#database
      .prepare("SELECT partIndex, data FROM attachments WHERE messageId = ?")
      .all(messageId);
    return new Map(
      rows.map((row) => [
        Number(row.partIndex),
        row.data instanceof Uint8Array ? row.data : new Uint8Array(),
      ]),
    );
  }
}

function toRow(row: Row): MessageRow {
  return {
    position: Number(row.position),
    id: String(row.id),
    sessionId: String(row.sessionId),
    role: String(row.role),
    parts: String(row.parts),
    model: typeof row.model === "string" ? row.model : undefined,
    provider: typeof row.provider === "string" ? row.provider : undefined,
    isSummary: row.isSummary === 1,
    createdAt: Number(row.createdAt),
    updatedAt: Number(row.updatedAt),
  };
}
