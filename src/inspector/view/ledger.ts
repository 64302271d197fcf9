/** The completions that were seen, and what became of them (protocol.md section 5). */
import type { Entry } from "../entries.js";
import { at, listAt, numberAt, textAt } from "./members.js";

/** One completion. */
export interface Completion {
  readonly completionId: string;
  readonly pipe: string;
  sequence: number;
  session: string;
  run: string | undefined;
  status: string;
  cause: string | undefined;
  errorName: string | undefined;
  /** The number of the newest delivery. */
  attempts: number;
  /** When it was delivered first, or is known to have been made, in milliseconds since 1970. */
  firstAt: number;
  lastAt: number;
  acknowledgedAt: number | undefined;
  acknowledgedBy: string | undefined;
  clientId: string | undefined;
}

/** What a server's own ledger says of a completion. */
export interface LedgerRow {
  readonly completionId: string;
  readonly sequence: number;
  readonly sessionId: string;
  readonly runId?: string;
  readonly status: string;
  readonly cause?: string;
  readonly errorName?: string;
  readonly attempt: number;
  readonly completedAt: number;
  readonly acknowledgedAt?: number;
  readonly clientId: string;
}

/** More are not kept: those that are acknowledged go first. */
const mostKept = 10_000;

/** All completions of what was seen. */
export class Ledger {
  readonly #completions = new Map<string, Completion>();
  readonly #asked = new Map<string, readonly string[]>();
  readonly #clients = new Map<string, string>();

  /** Unacknowledged ones first, and of each kind the newest first. */
  get completions(): readonly Completion[] {
    return [...this.#completions.values()].sort(
      (a, b) =>
        Number(a.acknowledgedAt !== undefined) - Number(b.acknowledgedAt !== undefined) ||
        b.sequence - a.sequence,
    );
  }

  get unacknowledged(): number {
    let count = 0;
    for (const { acknowledgedAt } of this.#completions.values()) {
      if (acknowledgedAt === undefined) count += 1;
    }
    return count;
  }

  add(entry: Entry): void {
    if (entry.kind !== "message") return;
    const { message, from } = entry;
    const pipe = entry.pipe ?? "";
    const key = `${pipe} ${JSON.stringify(at(message, "id"))}`;
    const method = textAt(message, "method");
    const params = at(message, "params");
    if (method === "initialize") this.#clients.set(pipe, nameOf(params));
    if (method === "runComplete" && from === "server") this.#deliver(params, entry.at, pipe);
    if (method === "acknowledge" && from === "client") {
      const ids = listAt(params, "completionIds").map(String);
      if (at(message, "id") === undefined) this.#acknowledge(ids, entry.at, pipe);
      else this.#asked.set(key, ids);
    }
    if (method === undefined && from === "server") this.#answer(message, key, entry.at, pipe);
  }

  /** Takes what a server's database says, which knows more than what was seen. */
  takeRows(rows: readonly LedgerRow[], pipe: string): void {
    for (const row of rows) {
      const known = this.#completions.get(row.completionId);
      this.#completions.set(row.completionId, {
        completionId: row.completionId,
        pipe: known?.pipe ?? pipe,
        sequence: row.sequence,
        session: row.sessionId,
        run: row.runId,
        status: row.status,
        cause: row.cause,
        errorName: row.errorName,
        attempts: row.attempt,
        firstAt: row.completedAt,
        lastAt: Math.max(known?.lastAt ?? 0, row.completedAt),
        acknowledgedAt: row.acknowledgedAt,
        acknowledgedBy: row.acknowledgedAt === undefined ? undefined : row.clientId,
        clientId: row.clientId,
      });
    }
  }

  #deliver(params: unknown, time: number, pipe: string): void {
    const completionId = textAt(params, "completionId");
    if (completionId === undefined) return;
    const known = this.#completions.get(completionId);
    this.#completions.set(completionId, {
      completionId,
      pipe,
      sequence: numberAt(params, "sequence") ?? known?.sequence ?? 0,
      session: textAt(params, "sessionId") ?? "",
      run: textAt(params, "runId"),
      status: textAt(params, "status") ?? "",
      cause: textAt(params, "cause"),
      errorName: textAt(params, "errorName"),
      attempts: numberAt(params, "attempt") ?? (known?.attempts ?? 0) + 1,
      firstAt: known?.firstAt ?? time,
      lastAt: time,
      acknowledgedAt: known?.acknowledgedAt,
      acknowledgedBy: known?.acknowledgedBy,
      clientId: known?.clientId,
    });
    if (this.#completions.size > mostKept) this.#forgetOldest();
  }

  #forgetOldest(): void {
    let [oldest = ""] = this.#completions.keys();
    for (const { completionId, acknowledgedAt } of this.#completions.values()) {
      if (acknowledgedAt === undefined) continue;
      oldest = completionId;
      break;
    }
    this.#completions.delete(oldest);
  }

  #answer(message: unknown, key: string, time: number, pipe: string): void {
    const asked = this.#asked.get(key);
    if (asked === undefined) return;
    this.#asked.delete(key);
    this.#acknowledge(listAt(message, "result", "acknowledged").map(String), time, pipe);
  }

  #acknowledge(ids: readonly string[], time: number, pipe: string): void {
    for (const id of ids) {
      const completion = this.#completions.get(id);
      if (completion === undefined) continue;
      completion.acknowledgedAt ??= time;
      completion.acknowledgedBy ??= this.#clients.get(pipe) ?? "the client";
    }
  }
}

function nameOf(params: unknown): string {
  return textAt(params, "clientInfo", "name") ?? textAt(params, "clientId") ?? "the client";
}
