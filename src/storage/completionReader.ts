import { type CompletionRow, toRow } from "./completionRow.js";
import { mostReadableBytes, readOr, salvagedColumns, storedText } from "./damage.js";
import type { Database, SqlValue } from "./database.js";

const table = "completions";
const columnsBesideBody = [
  ...["completionId", "run", "clientId", "serverId", "workspaceId", "sessionId"],
  ...["attempt", "acknowledgedAt"],
];
/** One row. A body that is too large is not loaded. */
const oneRow = `SELECT sequence, ${columnsBesideBody.join(", ")},
  CASE WHEN octet_length(body) <= ? THEN body END AS body FROM completions WHERE sequence = ?`;

/** Reads rows of the outbox's table. A damaged row is returned with what can be read of it. */
export class CompletionReader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * The completions behind a sequence, in order, whoever they are for: at most `rows`, and no more once
   * their bodies are `bytes` long.
   */
  following(after: number, { rows, bytes }: { rows: number; bytes: number }): CompletionRow[] {
    const found: CompletionRow[] = [];
    let length = 0;
    for (const sequence of this.#sequencesAfter(after, rows)) {
      const row = this.at(sequence, {});
      // It was deleted in between.
      if (row === undefined) continue;
      found.push(row);
      length += row.body?.length ?? 0;
      if (length >= bytes) break;
    }
    return found;
  }

  #sequencesAfter(after: number, rows: number): number[] {
    const all = (from: string) =>
      this.#database
        .prepare(`SELECT sequence FROM ${from} sequence > ? ORDER BY sequence LIMIT ?`)
        .all(after, rows)
        .map(({ sequence }) => Number(sequence));
    return readOr(
      () => all("completions WHERE"),
      // Where a page of the table is damaged, an index still tells which there are.
      () => all("completions INDEXED BY sqlite_autoindex_completions_2 WHERE run > 0 AND"),
    );
  }

  /** The completion at a sequence, with `known` instead of what cannot be read. */
  at(sequence: number, known: Partial<CompletionRow>): CompletionRow | undefined {
    return readOr(
      () => {
        const row = this.#database.prepare(oneRow).get(mostReadableBytes, sequence);
        return row === undefined ? undefined : toRow(row);
      },
      (reason) => {
        this.reportDamage(sequence, reason);
        const place = { table, key: "sequence", value: sequence };
        const row = salvagedColumns(this.#database, place, columnsBesideBody);
        return toRow({
          sequence,
          completionId: this.#idOf(sequence),
          clientId: known.clientId ?? "",
          run: known.run ?? this.#runOf(sequence),
          serverId: "",
          workspaceId: "",
          sessionId: "",
          attempt: 0,
          ...row,
        });
      },
    );
  }

  /** The id of a completion whose row cannot be read, as the index of the ids has it. */
  #idOf(sequence: number): string {
    const sql = `SELECT completionId AS value FROM completions
       INDEXED BY sqlite_autoindex_completions_1 WHERE completionId > '' AND sequence = ?`;
    return storedText(this.#inIndex(sql, sequence)) ?? `damaged_${sequence}`;
  }

  #runOf(sequence: number): number {
    const sql = `SELECT run AS value FROM completions
       INDEXED BY sqlite_autoindex_completions_2 WHERE run > 0 AND sequence = ?`;
    return Number(this.#inIndex(sql, sequence) ?? 0);
  }

  #inIndex(sql: string, sequence: number): SqlValue | undefined {
    return readOr<SqlValue | undefined>(
      () => this.#database.prepare(sql).get(sequence)?.value,
      () => undefined,
    );
  }

  /** The reader of a completion's body has found it damaged. It is reported once. */
  reportDamage(sequence: number, reason: string): void {
    this.#database.damage.tell({ table, id: sequence, reason });
  }
}
