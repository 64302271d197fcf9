/** Reads the completions of a data directory, and the size of its files. It changes nothing. */
import { statSync } from "node:fs";
import type { DatabaseSync } from "@photostructure/sqlite";
import { defined } from "../base/defined.js";
import type { Figure } from "./threadMessages.js";
import type { LedgerRow } from "./view/ledger.js";

/** How many completions are read: all that a person looks at. */
const mostRows = 1000;
const megabyte = 1024 * 1024;

/** The completions of a database. */
export class LedgerReader {
  readonly #path: string;
  #database: InstanceType<typeof DatabaseSync> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * What is unacknowledged, and the newest of the others.
   *
   * @throws Error where there is no database, or it cannot be read now.
   */
  async rows(): Promise<LedgerRow[]> {
    this.#database ??= await open(this.#path);
    const select = (where: string) =>
      this.#database
        ?.prepare(
          `SELECT completionId, sequence, clientId, sessionId, attempt, acknowledgedAt, body
           FROM completions WHERE ${where} ORDER BY sequence DESC LIMIT ${mostRows}`,
        )
        .all() ?? [];
    const rows = [...select("acknowledgedAt IS NULL"), ...select("acknowledgedAt IS NOT NULL")];
    return rows.slice(0, mostRows).map((row) => toLedgerRow(row as Record<string, unknown>));
  }

  /** The sizes of the database's files. */
  sizes(): Figure[] {
    const named = [
      ["Database", this.#path],
      ["Write-ahead log", `${this.#path}-wal`],
    ] as const;
    return named.map(([name, path]) => {
      const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      return { name, value: `${(bytes / megabyte).toFixed(1)} MB` };
    });
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
  }
}

async function open(path: string): Promise<InstanceType<typeof DatabaseSync>> {
  const { DatabaseSync: Database } = await import("@photostructure/sqlite");
  return new Database(path, { readOnly: true });
}

function toLedgerRow(row: Record<string, unknown>): LedgerRow {
  const body = bodyOf(row.body);
  const text = (name: string) => (typeof body[name] === "string" ? body[name] : undefined);
  const { acknowledgedAt } = row;
  return {
    completionId: String(row.completionId),
    sequence: Number(row.sequence),
    clientId: String(row.clientId),
    sessionId: String(row.sessionId),
    attempt: Number(row.attempt),
    status: String(body.status ?? "damaged"),
    completedAt: Date.parse(String(body.completedAt)) || 0,
    ...defined({
      runId: text("runId"),
      cause: text("cause"),
      errorName: text("errorName"),
      acknowledgedAt: typeof acknowledgedAt === "number" ? acknowledgedAt : undefined,
    }),
  };
}

function bodyOf(text: unknown): Record<string, unknown> {
  try {
    return JSON.parse(String(text)) as Record<string, unknown>;
  } catch {
    // A damaged row says no more than its columns.
    return {};
  }
}
