import type { Database } from "./database.js";

/** Notes from one server to the next: a text for each name. */
export class NoteStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** A note; undefined if there is none of this name. */
  get(name: string): string | undefined {
    const row = this.#database.prepare("SELECT value FROM notes WHERE name = ?").get(name);
    return row === undefined ? undefined : String(row.value);
  }

  /** Writes a note over the one of the same name. */
  set(name: string, value: string): void {
    this.#database
      .prepare(
        "INSERT INTO notes (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
      )
      .run(name, value);
  }
}
