// Handles damaged rows (protocol.md section 9). Rows that cannot be read are skipped, and a person
// is told their ids. The rest of the file is read as usual.
import { getHeapStatistics } from "node:v8";
import { DomainError, messageOf } from "../base/errors.js";
import type { Row, SqlValue, Statement } from "./statement.js";
import { damagedCode } from "./storageError.js";

/** A row that could not be read, or not all of it. */
export interface DamagedRow {
  readonly table: string;
  readonly id: string | number;
  readonly reason: string;
}

/** The most damaged rows whose ids are reported, so that a bad disk does not fill the log. */
const mostTold = 1000;

/** The most damaged places that are avoided. In a file with more, writes fail. */
const mostFound = 1000;

/** The largest value that is read, in bytes, even if the heap would allow more. */
const mostBytes = 256 * 1024 * 1024;
/**
 * The share of the heap for one value: it exists as text, as the parsed value, and as the text that
 * is sent.
 */
const shareOfHeap = 8;

/**
 * The largest text or blob that is read into memory, in bytes: a value from a server with a larger
 * heap must not crash this one. A larger value counts as damaged.
 */
export const mostReadableBytes = Math.min(
  mostBytes,
  Math.floor(getHeapStatistics().heap_size_limit / shareOfHeap),
);

/** The beginning of the error for an integer that does not fit into a JavaScript number. */
const outOfRange = "Value is too large";
/** The last allowed time, in milliseconds: the end of the year 9999. */
const latestTime = 253_402_300_799_999;

/** The damage that was found in a file while it was open. */
export class Damage {
  readonly #told = new Set<string>();
  readonly #found = new Map<string, unknown>();
  #listener: (row: DamagedRow) => void = () => {};

  /** Calls `listener` for each damaged row that is met for the first time; it must not throw. */
  listen(listener: (row: DamagedRow) => void): void {
    this.#listener = listener;
  }

  /** A row was found damaged. */
  tell(row: DamagedRow): void {
    const key = `${row.table} ${row.id}`;
    if (this.#told.has(key) || this.#told.size >= mostTold) return;
    this.#told.add(key);
    this.#listener(row);
  }

  get isEmpty(): boolean {
    return this.#found.size === 0;
  }

  /** How many reads and writes are known that cannot be done. */
  get count(): number {
    return this.#found.size;
  }

  /** The failure of a read or write that is known to meet a damaged place. */
  found(key: string): unknown {
    return this.#found.get(key);
  }

  /** A read or write has failed. It is remembered if it met a damaged place. */
  learn(key: string, error: unknown): void {
    if (isDamage(error) && this.#found.size < mostFound) this.#found.set(key, error);
  }
}

/** Whether the error means that a place of the file is damaged. */
export function isDamage(error: unknown): boolean {
  if (!(error instanceof DomainError)) return false;
  if (error.data.sqliteCode === damagedCode) return true;
  // No program of ours has written this number.
  return error.cause instanceof Error && error.cause.message.startsWith(outOfRange);
}

/** A time as it is stored, in milliseconds; 0 for what can be none. */
export function storedTime(value: SqlValue | undefined): number {
  const time = Number(value);
  return Number.isSafeInteger(time) && time >= 0 && time <= latestTime ? time : 0;
}

/** A count or a sum as it is stored; 0 for what can be none. */
export function storedAmount(value: SqlValue | undefined): number {
  const amount = Number(value);
  return Number.isFinite(amount) && amount >= 0 ? amount : 0;
}

/** A text as it is stored, if it is there. */
export function storedText(value: SqlValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The result of `read`, or of `instead` if the place that is read is damaged. */
export function readOr<T>(read: () => T, instead: (reason: string) => T): T {
  try {
    return read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    return instead(messageOf(error));
  }
}

/** Prepares a statement. */
interface Preparing {
  prepare(sql: string): Statement;
}

/** The position of a row. */
export interface RowAddress {
  readonly table: string;
  /** The column that is the rowid. */
  readonly key: string;
  readonly value: number;
}

/** Reads a row column by column, without the columns that cannot be read. */
export function salvagedColumns(
  database: Preparing,
  { table, key, value }: RowAddress,
  columns: readonly string[],
): Row {
  const row: Row = {};
  for (const column of columns) {
    const sql = `SELECT ${column} AS value FROM ${table} WHERE ${key} = ?`;
    const found = readOr<SqlValue | undefined>(
      () => database.prepare(sql).get(value)?.value,
      () => undefined,
    );
    if (found !== undefined) row[column] = found;
  }
  return row;
}
