// The messages of a session for a model. A long history is asked for at every turn, so what has not changed
// stays in memory; the file is the truth.
import { mostReadableBytes } from "./damage.js";
import type { Database } from "./database.js";
import { type HistoryRow, HistoryRows } from "./historyRows.js";
import { KeptRows } from "./keptRows.js";
import { MessageRows } from "./messageRows.js";
import { MessageStore } from "./messageStore.js";
import type { RowMark } from "./rowMarks.js";
import { StreamedText } from "./streamedText.js";

/**
 * From so many messages on, comparing all of them at each turn costs more than to be told of changes: that
 * takes 1.5 µs for a message, and comparing one takes half a microsecond.
 */
const longHistory = 8;

/** Reads the histories of all sessions. */
export class MessageHistory {
  readonly #database: Database;
  readonly #messages: MessageStore;
  readonly #rows: MessageRows;
  readonly #readable: HistoryRows;
  readonly #streamed: StreamedText;
  readonly #kept = new KeptRows<HistoryRow>();
  readonly #toldFrom: number;

  /** @param toldFrom from so many messages of a history on, it is not compared as a whole each time. */
  constructor(database: Database, toldFrom = longHistory) {
    this.#database = database;
    this.#toldFrom = toldFrom;
    this.#messages = new MessageStore(database);
    this.#rows = new MessageRows(database);
    this.#readable = new HistoryRows(database);
    this.#streamed = new StreamedText(database);
  }

  /**
   * A session's messages for a model, oldest first: all of them, or, if `summaryId` is given, the
   * summary, the user's messages of the turn that made it, and everything after it (`protocol.md`
   * section 4, Summaries). A long history is asked for at every turn, so only what a model needs is
   * read, and what has not changed since the last time is the same object as then. Damaged messages
   * are left out; a damaged summary counts as missing.
   */
  of(sessionId: string, summaryId: string | undefined): HistoryRow[] {
    const rows = this.#database.reading(() => this.#history(sessionId, summaryId));
    const { ownChanges } = this.#database;
    if (rows.length >= this.#toldFrom) ownChanges.tell(this.#kept, this.#streamed.isThere);
    return rows;
  }

  #history(sessionId: string, summaryId: string | undefined): HistoryRow[] {
    const found = summaryId === undefined ? undefined : this.#messages.find(sessionId, summaryId);
    const summary = found?.parts === undefined ? undefined : found;
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

  /**
   * The messages between two positions, without summaries, which were replaced or failed. If there
   * are more than this server can hold, the newest ones.
   */
  #between(sessionId: string, after: number, before: number): HistoryRow[] {
    const isTold = this.#database.ownChanges.isToldTo(this.#kept);
    const source = {
      // Read in the transaction that reads the rows: it is of the same moment.
      version: isTold ? this.#database.dataVersion : undefined,
      marks: (behind: number) => this.#readable.marks(sessionId, behind, before),
      read: (marks: readonly RowMark[]) => this.#readable.read(sessionId, marks),
    };
    const rows = this.#kept.rowsOf({ sessionId, after, before }, source);
    return rows ?? this.#undamagedBetween(sessionId, after, before);
  }

  /** As {@link #between}, row by row: one of them is damaged. */
  #undamagedBetween(sessionId: string, after: number, before: number): HistoryRow[] {
    const positions = this.#rows.positions(
      (index) =>
        `SELECT position FROM messages ${index} WHERE sessionId = ? AND position > ? AND position < ?
         ORDER BY position DESC`,
      [sessionId, after, before],
    );
    const rows: HistoryRow[] = [];
    let room = mostReadableBytes;
    for (const position of positions) {
      const row = this.#readable.at(sessionId, position);
      if (row === undefined || row.isSummary) continue;
      room -= Buffer.byteLength(row.parts ?? "");
      if (room < 0) break;
      rows.push(row);
    }
    return rows.reverse();
  }

  /** The position of the last message before the turn that wrote the message at `position`. */
  #beginOfTurn(sessionId: string, position: number): number {
    const run = this.#rows.runAt(position);
    if (typeof run !== "number") return position;
    let before = position;
    for (;;) {
      const row = this.#database
        .prepare(
          "SELECT max(position) AS position FROM messages WHERE sessionId = ? AND position < ?",
        )
        .get(sessionId, before);
      if (typeof row?.position !== "number") return 0;
      before = row.position;
      if (this.#rows.runAt(before) !== run) return before;
    }
  }
}

const histories = new WeakMap<Database, MessageHistory>();

/** That of a database: what is kept in memory is one, whichever workspace its sessions belong to. */
export function historyOf(database: Database): MessageHistory {
  const known = histories.get(database) ?? new MessageHistory(database);
  histories.set(database, known);
  return known;
}
