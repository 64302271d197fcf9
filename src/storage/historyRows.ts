// Reads the messages of a history together: a statement for each of a long one takes half as long again.
import { readOr } from "./damage.js";
import type { Database, Row } from "./database.js";
import { hasPieces, MessageRows, type SentRow, toSentRow } from "./messageRows.js";
import { type MarksText, marksOf, type RowMark } from "./rowMarks.js";
import { StreamedText } from "./streamedText.js";

/** The parts of a message that are sent to a model again. */
export type HistoryRow = SentRow & {
  /** What its reader has made of it. It lives as long as the row, which is kept for the next turns. */
  made?: object;
};

/** The rows at positions, a JSON array. */
const together = `SELECT position, id, role, parts, model, provider, isSummary, circumstances
   FROM messages WHERE position IN (SELECT value FROM json_each(?))`;
/** At most so many rows are read by one statement, and no more than these bytes of them. */
const atOnce = { rows: 256, bytes: 1024 * 1024 };

const marksBetween = (isOpen: string) =>
  marksOf(
    "FROM messages WHERE sessionId = ? AND position > ? AND position < ? ORDER BY position",
    isOpen,
  );
const wholeMarks = marksBetween("0");
const streamedMarks = marksBetween(hasPieces);

/** Reads rows of messages for a model. */
export class HistoryRows {
  readonly #database: Database;
  readonly #rows: MessageRows;
  readonly #streamed: StreamedText;

  constructor(database: Database) {
    this.#database = database;
    this.#rows = new MessageRows(database);
    this.#streamed = new StreamedText(database);
  }

  /**
   * What tells whether the messages between two positions have changed. Undefined if one of the rows
   * cannot be read.
   */
  marks(sessionId: string, after: number, before: number): MarksText | undefined {
    const sql = this.#streamed.isThere ? streamedMarks : wholeMarks;
    const statement = this.#database.prepare(sql);
    return readOr(
      () => String(statement.get(sessionId, after, before)?.marks ?? ""),
      () => undefined,
    );
  }

  /** The messages of marks of a session, by their positions; without those whose parts cannot be read. */
  read(sessionId: string, marks: readonly RowMark[]): Map<number, HistoryRow> {
    const found = new Map<number, HistoryRow>();
    for (const positions of batches(marks)) {
      if (positions.length > 1 && this.#readTogether(positions, found)) continue;
      for (const position of positions) {
        const row = this.at(sessionId, position);
        if (row !== undefined) found.set(position, row);
      }
    }
    return found;
  }

  /** The message at a position; undefined if its parts cannot be read. */
  at(sessionId: string, position: number): HistoryRow | undefined {
    const row = this.#rows.at(position, { sessionId });
    if (row?.parts === undefined) return undefined;
    const { id, role, parts, model, provider, isSummary, circumstances } = row;
    return { id, role, parts, model, provider, isSummary, circumstances };
  }

  /** Returns whether all of the rows could be read; otherwise they have to be read one by one. */
  #readTogether(positions: readonly number[], found: Map<number, HistoryRow>): boolean {
    const rows = readOr<readonly Row[]>(
      () => this.#database.prepare(together).all(JSON.stringify(positions)),
      () => [],
    );
    if (rows.length < positions.length) return false;
    for (const row of rows) found.set(Number(row.position), toSentRow(row));
    return true;
  }
}

/** The positions of marks, in batches. Those that grow, and those that are too long for one, are alone. */
function batches(marks: readonly RowMark[]): number[][] {
  const all: number[][] = [];
  let batch: number[] = [];
  let room = 0;
  for (const { position, size, isOpen } of marks) {
    room -= size;
    if (isOpen || room <= 0 || batch.length >= atOnce.rows) {
      batch = [];
      all.push(batch);
      room = isOpen ? 0 : atOnce.bytes - size;
    }
    batch.push(position);
  }
  return all;
}
