// The bytes of what is attached to messages.
import { checkpointsFrom } from "./checkpointRow.js";
import { mostReadableBytes, readOr } from "./damage.js";
import type { Database } from "./database.js";
import { tooLarge } from "./messageRows.js";

/** The attachments of every message. */
export class Attachments {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores the bytes of a message's attachment. */
  add(messageId: string, partIndex: number, data: Uint8Array): void {
    this.#database
      .prepare("INSERT INTO attachments (messageId, partIndex, data) VALUES (?, ?, ?)")
      .run(messageId, partIndex, data);
  }

  /** The bytes of a message's attachments, by the index of their part; without damaged ones. */
  of(id: string): Map<number, Uint8Array> {
    const messageId = this.#ownerOfAttachments(id);
    const keys = this.#database
      .prepare("SELECT partIndex FROM attachments WHERE messageId = ?")
      .all(messageId);
    const found = new Map<number, Uint8Array>();
    for (const { partIndex } of keys) {
      const index = Number(partIndex);
      const data = this.#attachment(messageId, index);
      if (data !== undefined) found.set(index, data);
    }
    return found;
  }

  /** The message that a fork's message was copied from has its bytes; every other one has its own. */
  #ownerOfAttachments(id: string): string {
    if (this.#database.steps < checkpointsFrom) return id;
    const sql = "SELECT attachmentsOf FROM messages WHERE id = ?";
    const owner = readOr(
      () => this.#database.prepare(sql).get(id)?.attachmentsOf,
      () => undefined,
    );
    return typeof owner === "string" ? owner : id;
  }

  #attachment(messageId: string, index: number): Uint8Array | undefined {
    const tell = (reason: string) => {
      this.#database.damage.tell({ table: "attachments", id: `${messageId} ${index}`, reason });
      return undefined;
    };
    return readOr(() => {
      const row = this.#database
        .prepare(
          `SELECT octet_length(data) AS size, CASE WHEN octet_length(data) <= ? THEN data END AS data
           FROM attachments WHERE messageId = ? AND partIndex = ?`,
        )
        .get(mostReadableBytes, messageId, index);
      return row?.data instanceof Uint8Array ? row.data : tell(tooLarge(row?.size));
    }, tell);
  }
}
