// Rows of messages that were read for a model, kept in memory for the next turn of their session. The
// file is the truth: a kept row is used only while the file says that it has not changed, or while
// nobody can have changed it.
import { mostReadableBytes } from "./damage.js";
import { KeptLists, type KeptName } from "./keptLists.js";
import type { ChangeListener } from "./ownChanges.js";
import { behind, joined, type MarksText, type RowMark, readMarks } from "./rowMarks.js";

/** The rows of a session between two positions. */
export interface RowRange {
  readonly sessionId: string;
  readonly after: number;
  readonly before: number;
}

/** Where rows are read. */
export interface RowSource<Row> {
  /**
   * Changes when another connection has written. Undefined where the kept rows are not told of all
   * changes of this connection: what is read then is compared the next time.
   */
  readonly version: number | undefined;
  /** The marks of the range's rows behind a position; undefined if one of them cannot be read. */
  marks(after: number): MarksText | undefined;
  /** The rows of these marks, by their positions: those that there are and can be read. */
  read(marks: readonly RowMark[]): ReadonlyMap<number, Row>;
}

interface KeptList<Row> {
  readonly range: RowRange;
  /** The last position that its marks tell of. */
  readonly end: number;
  /** Those of all rows that there are; undefined if some rows have to be read again. */
  readonly marks: MarksText | undefined;
  readonly rows: Row[];
  /** That of each of the rows, when it was read. */
  readonly read: RowMark[];
  /** Of the rows' parts, in bytes. */
  readonly size: number;
  /** That of its source when it was last compared; undefined if something may have changed since. */
  version: number | undefined;
}

/** The most bytes that are kept, of all sessions together. */
const mostBytes = 8 * 1024 * 1024;
/**
 * What a row takes in memory beside the bytes of its parts, with what is made of it for a model: short
 * messages are mostly that.
 */
const bytesOfRow = 1024;

/** Keeps the lists of rows that were read last, up to a bound in bytes. */
export class KeptRows<Row extends object> implements ChangeListener {
  readonly #bytesOfRow: number;
  readonly #mostRead: number;
  readonly #lists: KeptLists<KeptList<Row>>;

  /** @param mostRead the most bytes of a list's parts; of a longer list, only the newest rows are read. */
  constructor(
    most: number = mostBytes,
    ofRow: number = bytesOfRow,
    mostRead: number = mostReadableBytes,
  ) {
    this.#lists = new KeptLists(most);
    this.#bytesOfRow = ofRow;
    this.#mostRead = mostRead;
  }

  /**
   * The rows of a range, in their order, without summaries and without those that cannot be found. Only
   * those that are not kept, or have changed, are read. From now on these rows are kept. Undefined if
   * the file does not tell which rows there are.
   */
  rowsOf(range: RowRange, source: RowSource<Row>): Row[] | undefined {
    const before = this.#lists.take(nameOf(range));
    const list = this.#unchanged(before, range, source) ?? this.#anew(before, range, source);
    if (list !== undefined) this.#keep(list);
    return list?.rows.slice();
  }

  /** A message of this connection has changed: a list that has told of its position is compared again. */
  touched(sessionId: string, position: number): void {
    for (const list of this.#lists.ofSession(sessionId)) {
      if (position <= list.end) list.version = undefined;
    }
  }

  /** A list that nobody can have changed, with what came behind it. */
  #unchanged(
    before: KeptList<Row> | undefined,
    range: RowRange,
    source: RowSource<Row>,
  ): KeptList<Row> | undefined {
    if (before?.marks === undefined || before.end >= range.before) return undefined;
    if (before.version === undefined || before.version !== source.version) return undefined;
    const more = source.marks(before.end);
    if (more === undefined) return undefined;
    return this.#continued({ ...before, marks: before.marks, range }, more, source);
  }

  /** A list as the file tells it. */
  #anew(
    before: KeptList<Row> | undefined,
    range: RowRange,
    source: RowSource<Row>,
  ): KeptList<Row> | undefined {
    const marks = source.marks(range.after);
    if (marks === undefined) return undefined;
    const more = before?.marks === undefined ? undefined : behind(before.marks, marks);
    if (before?.marks !== undefined && more !== undefined) {
      const list = this.#continued({ ...before, marks: before.marks, range }, more, source);
      if (list !== undefined) return list;
    }
    return this.#compared(before, range, marks, source);
  }

  /** A list of which nothing has changed, with the rows of more marks; undefined if it gets too long. */
  #continued(
    before: KeptList<Row> & { readonly marks: MarksText },
    moreMarks: MarksText,
    source: RowSource<Row>,
  ): KeptList<Row> | undefined {
    const marks = readMarks(moreMarks);
    const more = this.#wanted(marks);
    const size = before.size + sizeOf(more);
    if (size > this.#mostRead) return undefined;
    const isWhole = this.#add(before, more, source);
    const end = marks.at(-1)?.position ?? before.end;
    const all = joined(before.marks, moreMarks);
    const { version } = source;
    return { ...before, end, marks: isWhole ? all : undefined, size, version };
  }

  /** A list that was compared row by row. */
  #compared(
    before: KeptList<Row> | undefined,
    range: RowRange,
    text: MarksText,
    source: RowSource<Row>,
  ): KeptList<Row> {
    const marks = readMarks(text);
    const wanted = this.#wanted(marks);
    const { read: known = [], rows: old = [] } = before ?? {};
    let at = 0;
    const stayed = wanted.map((mark) => {
      // Both lists are in the order of their positions.
      while ((known[at]?.position ?? mark.position) < mark.position) at++;
      return isUnchanged(known[at], mark) ? old[at] : undefined;
    });
    const list = { rows: [] as Row[], read: [] as RowMark[] };
    const isWhole = this.#add(list, wanted, source, stayed);
    const end = marks.at(-1)?.position ?? range.after;
    const { version } = source;
    const size = sizeOf(wanted);
    return { ...list, range, end, marks: isWhole ? text : undefined, size, version };
  }

  /** Adds the rows of marks, and reads those that did not stay; returns whether none has to be read again. */
  #add(
    { rows, read }: Pick<KeptList<Row>, "rows" | "read">,
    marks: readonly RowMark[],
    source: RowSource<Row>,
    stayed: readonly (Row | undefined)[] = [],
  ): boolean {
    const missing = marks.filter((_, index) => stayed[index] === undefined);
    const found = missing.length === 0 ? undefined : source.read(missing);
    let isWhole = true;
    for (const [index, mark] of marks.entries()) {
      const row = stayed[index] ?? found?.get(mark.position);
      if (row === undefined || mark.isOpen) isWhole = false;
      if (row === undefined) continue;
      rows.push(row);
      read.push(mark);
    }
    return isWhole;
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

  #keep(list: KeptList<Row>): void {
    // A list of nothing has no size, so nothing would ever put it out.
    if (list.rows.length === 0) return;
    const bytes = list.size + list.rows.length * this.#bytesOfRow;
    this.#lists.keep(nameOf(list.range), list, bytes);
  }
}

const nameOf = ({ sessionId, after }: RowRange): KeptName => ({
  sessionId,
  name: `${sessionId} ${after}`,
});

function sizeOf(marks: readonly RowMark[]): number {
  return marks.reduce((sum, { size }) => sum + size, 0);
}

/** Of a message that grows without being stored as a whole, the marks do not tell. */
function isUnchanged(a: RowMark | undefined, b: RowMark): boolean {
  if (a === undefined || a.isOpen || b.isOpen) return false;
  const isSame = a.position === b.position && a.isSummary === b.isSummary;
  return isSame && a.updatedAt === b.updatedAt && a.size === b.size;
}
