// Reads messages row by row. So a message that is damaged, or too large for this server, does not
// affect the others.
import { mostReadableBytes, readOr, salvagedColumns, storedText, storedTime } from "./damage.js";
import type { Database, Row } from "./database.js";
import { StreamedText, withPieces } from "./streamedText.js";

/**
 * A stored message. Its parts are JSON text, or undefined if that is damaged or too large for this
 * server.
 */
export interface MessageRow {
  readonly position: number;
  readonly id: string;
  readonly sessionId: string;
  readonly role: string;
  readonly parts: string | undefined;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  readonly isSummary: boolean;
  /** The circumstances that the model was told with it, as JSON text. */
  readonly circumstances: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a model needs of a message. */
export type SentRow = Pick<
  MessageRow,
  "id" | "role" | "parts" | "isSummary" | "model" | "provider" | "circumstances"
>;

const table = "messages";
const columnsBesideParts = [
  ...["id", "sessionId", "run", "role", "model", "provider", "isSummary"],
  ...["circumstances", "createdAt", "updatedAt"],
];
/** One row. The length of the parts is read first, so that nothing too large is loaded. */
const oneRow = (more: string) =>
  `SELECT position, ${columnsBesideParts.join(", ")}, octet_length(parts) AS size,
   CASE WHEN octet_length(parts) <= ? THEN parts END AS parts, ${more} AS isStreamed
   FROM messages WHERE position = ?`;
const wholeRow = oneRow("0");
/** Whether text was appended to a message since it was stored as a whole. */
export const hasPieces = "EXISTS (SELECT 1 FROM streamedText WHERE message = messages.position)";
const streamedRow = oneRow(hasPieces);
/** Reads the rows of messages. */
export class MessageRows {
  readonly #database: Database;
  readonly #streamed: StreamedText;

  constructor(database: Database) {
    this.#database = database;
    this.#streamed = new StreamedText(database);
  }

  /** The positions from a query; without an index, if the index is damaged. */
  positions(sql: (index: string) => string, values: readonly (string | number)[]): number[] {
    const read = (index: string) => this.#database.prepare(sql(index)).all(...values);
    const rows = readOr(
      () => read(""),
      () => read("NOT INDEXED"),
    );
    return rows.map((row) => Number(row.position));
  }

  /**
   * The message at a position, with `known` instead of what cannot be read. Undefined if there is
   * none.
   */
  at(
    position: number,
    known: Partial<Pick<MessageRow, "id" | "sessionId">> = {},
  ): MessageRow | undefined {
    return readOr(
      () => {
        const sql = this.#streamed.isThere ? streamedRow : wholeRow;
        const row = this.#database.prepare(sql).get(mostReadableBytes, position);
        if (row === undefined) return undefined;
        const message = row.isStreamed === 1 ? this.#streaming(toRow(row)) : toRow(row);
        if (message.parts === undefined) this.report(message.id, tooLarge(row.size));
        return message;
      },
      (reason) => {
        const place = { table, key: "position", value: position };
        const row = salvagedColumns(this.#database, place, columnsBesideParts);
        const id = storedText(row.id) ?? known.id ?? this.#idAt(position);
        this.report(id, reason);
        return toRow({ ...row, position, id, sessionId: row.sessionId ?? known.sessionId ?? "" });
      },
    );
  }

  /** A message with the text that came since it was stored as a whole. */
  #streaming(message: MessageRow): MessageRow {
    const found = this.#streamed.of(message.position);
    if (found === undefined || message.parts === undefined) return message;
    const parts = withPieces(message.parts, found.pieces);
    return { ...message, parts, updatedAt: Math.max(message.updatedAt, found.writtenAt) };
  }

  /** The id of a message whose row cannot be read, as the index of the ids has it. */
  #idAt(position: number): string {
    const sql =
      "SELECT id FROM messages INDEXED BY sqlite_autoindex_messages_1 WHERE id > '' AND position = ?";
    const id = readOr(
      () => this.#database.prepare(sql).get(position)?.id,
      () => undefined,
    );
    return storedText(id) ?? `damaged_${position}`;
  }

  /** A message was found damaged, here or by the reader of its parts. It is reported once. */
  report(id: string, reason: string): void {
    this.#database.damage.tell({ table, id, reason });
  }

  /**
   * The positions of a run's messages, found without the damaged pages. A message whose run cannot
   * be read belongs to the run if it follows one of the run's messages, or if it is at the
   * session's end and the run has no other message.
   */
  positionsOfRun(sessionId: string, run: number): number[] {
    const positions = this.positions(
      (index) => `SELECT position FROM messages ${index} WHERE sessionId = ? ORDER BY position`,
      [sessionId],
    );
    const writers = positions.map((position) => this.runAt(position));
    const lastKnown = writers.findLastIndex((writer) => writer !== "damaged");
    const hasNone = !writers.includes(run);
    let writer: number | undefined;
    return positions.filter((_, index) => {
      const own = writers[index];
      if (own !== "damaged") writer = own;
      return writer === run || (hasNone && index > lastKnown);
    });
  }

  /** The run that wrote the message at a position. */
  runAt(position: number): number | undefined | "damaged" {
    const statement = this.#database.prepare("SELECT run FROM messages WHERE position = ?");
    return readOr<number | undefined | "damaged">(
      () => {
        const run = statement.get(position)?.run;
        return typeof run === "number" ? run : undefined;
      },
      () => "damaged",
    );
  }
}

/** Why a value was not read. */
export function tooLarge(size: unknown): string {
  return `it has ${size} bytes, and at most ${mostReadableBytes} are read with this heap`;
}

const roles: ReadonlySet<string> = new Set(["user", "assistant", "tool"]);

/** What a model needs of a row. A role that can be none is the assistant's. */
export function toSentRow(row: Row): SentRow {
  const role = String(row.role);
  return {
    id: String(row.id),
    role: roles.has(role) ? role : "assistant",
    parts: storedText(row.parts),
    model: storedText(row.model),
    provider: storedText(row.provider),
    isSummary: row.isSummary === 1,
    circumstances: storedText(row.circumstances),
  };
}

function toRow(row: Row): MessageRow {
  return {
    ...toSentRow(row),
    position: Number(row.position),
    sessionId: String(row.sessionId),
    createdAt: storedTime(row.createdAt),
    updatedAt: storedTime(row.updatedAt),
  };
}
