// Copies what can be read of a damaged database into a new one, table by table and row by row.
import type { DatabaseSync } from "@photostructure/sqlite";
import type { Row, SqlValue } from "./statement.js";
import { damagedCode, sqliteCodeOf } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** How a table is salvaged. */
export interface SalvagedTable {
  readonly name: string;
  /** The columns without which a row is useless. */
  readonly identity: readonly string[];
  /** The column with JSON text. If it is no JSON, it is emptied, and so reported as damaged. */
  readonly json?: string;
  /** A query that finds rows by their rowids `id`, from another place of the file. */
  readonly alsoAt?: string;
  /** Queries that read a column of a row, by its rowid `?1`, from another place of the file. */
  readonly elsewhere?: Readonly<Record<string, readonly string[]>>;
}

/** The result for a table's rows. */
export interface SalvageCount {
  readonly table: string;
  kept: number;
  /** The rows of which a part could not be read, by their ids. */
  readonly mended: string[];
  /** The rows that were found and could not be kept, by their positions. */
  readonly leftOut: string[];
}

/** The largest gap between two readable rows in which each rowid is tried one by one. */
const widestGap = 1_000_000;
const emptyOf: Readonly<Record<string, SqlValue>> = { TEXT: "", BLOB: new Uint8Array() };

/** The result of SQLite, or undefined if the file is damaged there. */
function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const isUnreadable =
      sqliteCodeOf(error) === damagedCode || (error instanceof Error && !("errcode" in error));
    // An index that is missing or cannot answer gives nothing either.
    if (isUnreadable || sqliteCodeOf(error) === 1) return undefined;
    throw error;
  }
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly isNullable: boolean;
}

/** Salvages one table of `main` into the same one of `mended`, which is attached and empty. */
export class TableSalvage {
  readonly #sqlite: Sqlite;
  readonly #table: SalvagedTable;
  readonly #columns: readonly Column[];
  readonly #indexes: readonly { name: string; columns: readonly string[] }[];
  readonly count: SalvageCount;

  constructor(sqlite: Sqlite, table: SalvagedTable) {
    this.#sqlite = sqlite;
    this.#table = table;
    this.count = { table: table.name, kept: 0, mended: [], leftOut: [] };
    const inOld = new Set(this.#rows(`PRAGMA main.table_info(${table.name})`).map(nameOf));
    this.#columns = this.#rows(`PRAGMA mended.table_info(${table.name})`)
      .filter((column) => inOld.has(nameOf(column)))
      // This column is the rowid itself.
      .filter((column) => !(column.pk === 1 && column.type === "INTEGER"))
      .map((column) => ({
        name: nameOf(column),
        type: String(column.type),
        isNullable: column.notnull === 0 && column.pk === 0,
      }));
    this.#indexes = this.#rows(`PRAGMA main.index_list(${table.name})`).map((index) => ({
      name: nameOf(index),
      columns: this.#rows(`PRAGMA main.index_info(${nameOf(index)})`).map(nameOf),
    }));
  }

  /** Salvages every row that is found, in order. */
  run(): void {
    // An older file has no such table; or it has rowids alone, which tell what is to be done anew after this.
    if (this.#columns.length === 0) return;
    for (const rowid of this.#rowids()) this.#copy(rowid);
  }

  #rows(sql: string): Row[] {
    return (tryRead(() => this.#sqlite.prepare(sql).all()) ?? []) as Row[];
  }

  /** The rowids that the table or one of its indexes has. */
  #rowids(): number[] {
    const { name } = this.#table;
    const found = new Set<number>();
    const first = this.#walk("rowid > ?", "ASC", -1, found);
    const last = this.#walk("rowid < ?", "DESC", Number.MAX_SAFE_INTEGER, found);
    for (const index of this.#indexes) {
      const where = `${index.columns[0]} IS NOT NULL`;
      this.#collect(
        `SELECT rowid AS id FROM main.${name} INDEXED BY ${index.name} WHERE ${where}`,
        found,
      );
    }
    if (this.#table.alsoAt !== undefined) this.#collect(this.#table.alsoAt, found);
    if (last - first <= widestGap) {
      const one = this.#sqlite.prepare(`SELECT 1 FROM main.${name} WHERE rowid = ?`);
      for (let rowid = first + 1; rowid < last; rowid++) {
        if (tryRead(() => one.get(rowid)) !== undefined) found.add(rowid);
      }
    }
    return [...found].sort((a, b) => a - b);
  }

  /** Walks from one end of the table until it ends or is damaged; returns how far that was. */
  #walk(where: string, order: string, start: number, found: Set<number>): number {
    const { name } = this.#table;
    const next = this.#sqlite.prepare(
      `SELECT rowid AS id FROM main.${name} WHERE ${where} ORDER BY rowid ${order} LIMIT 1`,
    );
    for (let at = start; ; ) {
      const row = tryRead(() => next.get(at) as Row | undefined);
      if (row === undefined) return at;
      at = Number(row.id);
      found.add(at);
    }
  }

  #collect(sql: string, found: Set<number>): void {
    tryRead(() => {
      for (const row of this.#sqlite.prepare(sql).iterate()) found.add(Number((row as Row).id));
    });
  }

  #copy(rowid: number): void {
    const { name, json } = this.#table;
    const columns = this.#columns.map((column) => column.name).join(", ");
    const isWhole = tryRead(() => {
      const sound = json === undefined ? "" : `AND json_valid(${json})`;
      const sql = `INSERT INTO mended.${name} (rowid, ${columns})
        SELECT rowid, ${columns} FROM main.${name} WHERE rowid = ?1 ${sound}`;
      return this.#sqlite.prepare(sql).run(rowid).changes;
    });
    if (Number(isWhole ?? 0) > 0) this.count.kept++;
    else this.#mend(rowid);
  }

  #mend(rowid: number): void {
    const { name, identity, json } = this.#table;
    const row = new Map<string, SqlValue>();
    for (const column of this.#columns) {
      const value = this.#valueOf(column, rowid);
      if (value !== undefined) row.set(column.name, value);
    }
    const isKnown = identity.every((column) => row.has(column));
    for (const { name: column, type, isNullable } of this.#columns) {
      if (column === json) row.set(column, "");
      else if (!row.has(column)) row.set(column, isNullable ? null : (emptyOf[type] ?? 0));
    }
    const names = [...row.keys()];
    const marks = names.map(() => "?").join(", ");
    const sql = `INSERT INTO mended.${name} (rowid, ${names.join(", ")}) VALUES (?, ${marks})`;
    const isStored =
      isKnown && this.#tryInsert(() => this.#sqlite.prepare(sql).run(rowid, ...row.values()));
    if (isStored) this.count.mended.push(String(row.get(identity[0] ?? "") ?? rowid));
    else this.count.leftOut.push(String(rowid));
  }

  /** False if the row repeats another one. */
  #tryInsert(insert: () => unknown): boolean {
    try {
      insert();
      return true;
    } catch (error) {
      // A constraint failed: this is not a separate row.
      if (sqliteCodeOf(error) !== 19) throw error;
      return false;
    }
  }

  #valueOf({ name }: Column, rowid: number): SqlValue | undefined {
    const table = `main.${this.#table.name}`;
    const queries = [
      `SELECT ${name} AS value FROM ${table} WHERE rowid = ?1`,
      ...this.#indexes
        .filter((index) => index.columns.includes(name))
        .map(
          (index) =>
            `SELECT ${name} AS value FROM ${table} INDEXED BY ${index.name}
             WHERE ${index.columns[0]} IS NOT NULL AND rowid = ?1`,
        ),
      ...(this.#table.elsewhere?.[name] ?? []),
    ];
    for (const sql of queries) {
      const found = tryRead(() => this.#sqlite.prepare(sql).get(rowid) as Row | undefined);
      if (found?.value !== undefined) return found.value;
    }
    return undefined;
  }
}

function nameOf(row: Row): string {
  return String(row.name);
}
