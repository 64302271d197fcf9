import { readOr, storedText, storedTime } from "./damage.js";
import type { Database, Row } from "./database.js";

/** A folder that was opened at some time. */
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

  /**
   * The row of `path`; made with `newId` if this is the first time that it is opened. If the row is
   * damaged, the workspace still has `newId`, because that is made from the path.
   */
  open(path: string, newId: string, now: number): WorkspaceRow {
    return readOr(
      () => this.#open(path, newId, now),
      (reason) => {
        this.#database.damage.tell({ table: "workspaces", id: newId, reason });
        return { id: newId, path, createdAt: now };
      },
    );
  }

  /** The path of a workspace; undefined if it cannot be read. */
  pathOf(id: string): string | undefined {
    return readOr<string | undefined>(
      () =>
        storedText(
          this.#database.prepare("SELECT path FROM workspaces WHERE id = ?").get(id)?.path,
        ),
      (reason) => {
        this.#database.damage.tell({ table: "workspaces", id, reason });
        return undefined;
      },
    );
  }

  #open(path: string, newId: string, now: number): WorkspaceRow {
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

function toRow(row: Row): WorkspaceRow {
  return { id: String(row.id), path: String(row.path), createdAt: storedTime(row.createdAt) };
}
