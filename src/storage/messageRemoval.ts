import { readOr } from "./damage.js";
import type { Database } from "./database.js";

/** Deletes messages for good, each with its attachments. Damaged ones stay where they are. */
export class MessageRemoval {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Deletes the message at a position; returns its size in bytes, and whether it is gone. */
  remove(position: number): { bytes: number; isGone: boolean } {
    const row = readOr(
      () =>
        this.#database
          .prepare("SELECT id, octet_length(parts) AS size FROM messages WHERE position = ?")
          .get(position),
      () => undefined,
    );
    let bytes = Number(row?.size ?? 0);
    if (typeof row?.id === "string") {
      const { id } = row;
      const sum = "SELECT sum(octet_length(data)) AS size FROM attachments WHERE messageId = ?";
      bytes += readOr(
        () => Number(this.#database.prepare(sum).get(id)?.size ?? 0),
        () => 0,
      );
      this.#delete("attachments", "messageId", id);
    }
    return { bytes, isGone: this.#delete("messages", "position", position) > 0 };
  }

  #delete(table: string, key: string, value: string | number): number {
    return this.#database.attempt(
      `delete ${table} ${value}`,
      () => this.#database.prepare(`DELETE FROM ${table} WHERE ${key} = ?`).run(value).changes,
      (reason) => {
        this.#database.damage.tell({ table, id: value, reason });
        return 0;
      },
    );
  }
}
