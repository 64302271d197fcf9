// Rows of messages that were read for a model, kept in memory for the next turn of their session. The
// file is the truth: a kept row is used only while the file says that it has not changed.

/** What tells in the file whether a message has changed. */
export interface RowMark {
  readonly position: number;
  readonly id: string;
  readonly isSummary: boolean;
  readonly updatedAt: number;
  /** Of its parts, in bytes; undefined if it has none. */
  readonly size: number | undefined;
}

interface Kept<Row> {
  readonly mark: RowMark;
  readonly row: Row;
}

interface KeptList<Row> {
  readonly rows: Map<number, Kept<Row>>;
  bytes: number;
}

/** The most bytes that are kept, of all sessions together. */
const mostBytes = 8 * 1024 * 1024;
/** What a row takes in memory beside the bytes of its parts: short messages are mostly that. */
const bytesOfRow = 512;

/** Keeps the lists of rows that were read last, up to a bound in bytes. */
export class KeptRows<Row extends object> {
  readonly #mostBytes: number;
  readonly #bytesOfRow: number;
  /** The list that was read last is the last. */
  readonly #lists = new Map<string, KeptList<Row>>();
  #bytes = 0;

  constructor(most: number = mostBytes, ofRow: number = bytesOfRow) {
    this.#mostBytes = most;
    this.#bytesOfRow = ofRow;
  }

  /**
   * The rows of these marks, in their order, without those that `read` does not find. Only those that
   * are not kept under this name, or have changed, are read. From now on these rows are kept under it.
   */
  rowsOf(
    name: string,
    marks: readonly RowMark[],
    read: (position: number) => Row | undefined,
  ): Row[] {
    const before = this.#take(name);
    const now: KeptList<Row> = { rows: new Map(), bytes: 0 };
    const rows = marks.flatMap((mark) => {
      const kept = before?.rows.get(mark.position);
      const row = kept !== undefined && isSame(kept.mark, mark) ? kept.row : read(mark.position);
      if (row === undefined) return [];
      now.bytes += (mark.size ?? 0) + this.#bytesOfRow;
      if (now.bytes <= this.#mostBytes) now.rows.set(mark.position, { mark, row });
      return [row];
    });
    if (now.bytes <= this.#mostBytes) this.#keep(name, now);
    return rows;
  }

  #take(name: string): KeptList<Row> | undefined {
    const list = this.#lists.get(name);
    this.#lists.delete(name);
    this.#bytes -= list?.bytes ?? 0;
    return list;
  }

  #keep(name: string, list: KeptList<Row>): void {
    this.#lists.set(name, list);
    this.#bytes += list.bytes;
    for (const oldest of this.#lists.keys()) {
      if (this.#bytes <= this.#mostBytes) return;
      this.#take(oldest);
    }
  }
}

function isSame(a: RowMark, b: RowMark): boolean {
  return a.id === b.id && a.updatedAt === b.updatedAt && a.size === b.size;
}
