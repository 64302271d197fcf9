// Rows of messages that were read for a model, kept in memory for the next turn of their session. The
// file is the truth: a kept row is used only while the file says that it has not changed.
import { mostReadableBytes } from "./damage.js";

/** What tells in the file whether a message has changed. */
interface RowMark {
  readonly position: number;
  readonly isSummary: boolean;
  readonly updatedAt: number;
  /** Of its parts, in bytes. */
  readonly size: number;
}

/**
 * The marks of rows as one text, in the order of their positions. A long session has thousands of marks
 * at every turn: one text costs a fraction of as many objects, and is compared at once.
 */
export type MarksText = string;

const between = ";";

/** The query for the {@link MarksText} of the rows that `from` gives, in their order. */
export const marksOf = (from: string): string =>
  `SELECT group_concat(mark, '${between}') AS marks FROM (
     SELECT format('%d %d %d %d', position, isSummary, updatedAt, octet_length(parts)) AS mark ${from})`;

function readMarks(text: MarksText): RowMark[] {
  return text.split(between).flatMap((mark) => {
    if (mark === "") return [];
    const [position = 0, isSummary = 0, updatedAt = 0, size = 0] = mark.split(" ").map(Number);
    return { position, isSummary: isSummary === 1, updatedAt, size };
  });
}

interface Kept<Row> {
  readonly mark: RowMark;
  readonly row: Row;
}

interface KeptList<Row> {
  /** Those of all rows that there are; undefined if some of them could not be read. */
  readonly marks: MarksText | undefined;
  readonly rows: Map<number, Kept<Row>>;
  /** Of the rows' parts, in bytes. */
  readonly size: number;
}

/** The most bytes that are kept, of all sessions together. */
const mostBytes = 8 * 1024 * 1024;
/**
 * What a row takes in memory beside the bytes of its parts, with what is made of it for a model: short
 * messages are mostly that.
 */
const bytesOfRow = 1024;

/** Keeps the lists of rows that were read last, up to a bound in bytes. */
export class KeptRows<Row extends object> {
  readonly #mostBytes: number;
  readonly #bytesOfRow: number;
  readonly #mostRead: number;
  /** The list that was read last is the last. */
  readonly #lists = new Map<string, KeptList<Row>>();
  #bytes = 0;

  /** @param mostRead the most bytes of a list's parts; of a longer list, only the newest rows are read. */
  constructor(
    most: number = mostBytes,
    ofRow: number = bytesOfRow,
    mostRead: number = mostReadableBytes,
  ) {
    this.#mostBytes = most;
    this.#bytesOfRow = ofRow;
    this.#mostRead = mostRead;
  }

  /**
   * The rows of these marks, in their order, without summaries and without those that `read` does not
   * find. Only those that are not kept under this name, or have changed, are read. From now on these
   * rows are kept under it.
   */
  rowsOf(name: string, marks: MarksText, read: (position: number) => Row | undefined): Row[] {
    const before = this.#take(name);
    const list = this.#continued(before, marks, read) ?? this.#compared(before, marks, read);
    const rows = Array.from(list.rows.values(), ({ row }) => row);
    this.#keep(name, list);
    return rows;
  }

  /** A list of which nothing has changed, with what came behind it. */
  #continued(
    before: KeptList<Row> | undefined,
    marks: MarksText,
    read: (position: number) => Row | undefined,
  ): KeptList<Row> | undefined {
    if (before?.marks === undefined || !isBegunBy(marks, before.marks)) return undefined;
    const more = this.#wanted(readMarks(marks.slice(before.marks.length)));
    const size = before.size + sizeOf(more);
    if (size > this.#mostRead) return undefined;
    const { rows } = before;
    let isWhole = true;
    for (const mark of more) {
      const row = read(mark.position);
      if (row === undefined) isWhole = false;
      else rows.set(mark.position, { mark, row });
    }
    return { marks: isWhole ? marks : undefined, rows, size };
  }

  /** A list that was compared row by row. */
  #compared(
    before: KeptList<Row> | undefined,
    marks: MarksText,
    read: (position: number) => Row | undefined,
  ): KeptList<Row> {
    const wanted = this.#wanted(readMarks(marks));
    const rows = new Map<number, Kept<Row>>();
    for (const mark of wanted) {
      const kept = before?.rows.get(mark.position);
      const row = kept !== undefined && isSame(kept.mark, mark) ? kept.row : read(mark.position);
      if (row !== undefined) rows.set(mark.position, { mark, row });
    }
    const isWhole = rows.size === wanted.length;
    return { marks: isWhole ? marks : undefined, rows, size: sizeOf(wanted) };
  }

  /** Without summaries, which were replaced or failed, and without the oldest if there are too many. */
  #wanted(marks: readonly RowMark[]): RowMark[] {
    let room = this.#mostRead;
    return marks
      .filter(({ isSummary }) => !isSummary)
      .toReversed()
      .filter(({ size }) => {
        // What is too large is left out by itself, and reported.
        if (size <= this.#mostRead) room -= size;
        return room >= 0;
      })
      .reverse();
  }

  #take(name: string): KeptList<Row> | undefined {
    const list = this.#lists.get(name);
    this.#lists.delete(name);
    if (list !== undefined) this.#bytes -= this.#bytesOf(list);
    return list;
  }

  #keep(name: string, list: KeptList<Row>): void {
    const bytes = this.#bytesOf(list);
    // A list of nothing has no size, so nothing would ever put it out.
    if (list.rows.size === 0 || bytes > this.#mostBytes) return;
    this.#lists.set(name, list);
    this.#bytes += bytes;
    for (const oldest of this.#lists.keys()) {
      if (this.#bytes <= this.#mostBytes) return;
      this.#take(oldest);
    }
  }

  #bytesOf({ rows, size }: KeptList<Row>): number {
    return size + rows.size * this.#bytesOfRow;
  }
}

function sizeOf(marks: readonly RowMark[]): number {
  return marks.reduce((sum, { size }) => sum + size, 0);
}

function isBegunBy(marks: MarksText, beginning: MarksText): boolean {
  const { length } = beginning;
  if (length === 0 || marks.length === length) return marks.startsWith(beginning);
  return marks[length] === between && marks.startsWith(beginning);
}

function isSame(a: RowMark, b: RowMark): boolean {
  return a.isSummary === b.isSummary && a.updatedAt === b.updatedAt && a.size === b.size;
}
