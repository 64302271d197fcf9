import type { Database } from "./database.js";

/** A file with fewer steps has no place for traces. */
const tracesFrom = 21;

/** Where runs stand in traces, each as a text that only telemetry reads (docs/telemetry.md). */
export class RunTraces {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Keeps the text of a run; nothing while an older server keeps the file from having a place for it. */
  keep(position: number, text: string): void {
    if (this.#database.steps < tracesFrom) return;
    this.#database.prepare("UPDATE runs SET trace = ? WHERE position = ?").run(text, position);
  }

  /** The text of a run; undefined if none is kept. */
  of(position: number): string | undefined {
    return this.#read("SELECT trace FROM runs WHERE position = ?", position);
  }

  /** The text of the run of a completion. */
  ofCompletion(completionId: string): string | undefined {
    return this.#read(
      "SELECT trace FROM runs WHERE position = (SELECT run FROM completions WHERE completionId = ?)",
      completionId,
    );
  }

  /** How many runs of a server are open, and how many of these wait in a queue. */
  open(serverId: string): { open: number; queued: number } {
    const row = this.#database
      .prepare(
        `SELECT count(*) AS open, coalesce(sum(state = 'queued'), 0) AS queued FROM runs
         WHERE serverId = ? AND state <> 'completed'`,
      )
      .get(serverId);
    return { open: Number(row?.open ?? 0), queued: Number(row?.queued ?? 0) };
  }

  /** How many completions nobody has acknowledged. */
  unacknowledged(): number {
    const row = this.#database
      .prepare("SELECT count(*) AS n FROM completions WHERE acknowledgedAt IS NULL")
      .get();
    return Number(row?.n ?? 0);
  }

  #read(sql: string, key: number | string): string | undefined {
    if (this.#database.steps < tracesFrom) return undefined;
    const text = this.#database.prepare(sql).get(key)?.trace;
    return typeof text === "string" ? text : undefined;
  }
}
