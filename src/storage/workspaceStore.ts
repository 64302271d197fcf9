import type { Database } from "./database.js";

/** A folder that was opened once. */
export interface WorkspaceRow {
  readonly id: string;
  readonly path: string;
  readonly createdAt: number;
}

/** The folders that this data directory knows, so that one path keeps one id. */
export class WorkspaceStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The row of `path`; made with `newId` if this is the first time that it is opened. */
  open(path: string, newId: string, now: number): WorkspaceRow {
    const find = this.#database.prepare(
      "SELECT id, path, createdAt FROM workspaces WHERE path = ?",
    );
    const known = find.get(path);
    if (known !== undefined) return toRow(known);
    return this.#database.write(() => {
      this.#database
        .prepare(
          "INSERT INTO workspaces (id, path, createdAt) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .run(newId, path, now);
      const row = find.get(path);
      return row === undefined ? { id: newId, path, createdAt: now } : toRow(row);
    });
  }
}

function toRow(row: Record<string, unknown>): WorkspaceRow {
  return { id: String(row.id), path: String(row.path), createdAt: Number(row.createdAt) };
}
