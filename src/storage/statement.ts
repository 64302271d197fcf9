// The types of values that go into SQLite and come out of it.

/** A value that SQLite stores. */
export type SqlValue = string | number | null | Uint8Array;
/** A row as SQLite gives it. */
export type Row = Record<string, SqlValue>;

/** A prepared statement whose failures are domain errors. */
export interface Statement {
  run(...values: SqlValue[]): { changes: number; lastInsertRowid: number };
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
}
