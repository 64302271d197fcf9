/** The rows of the traffic: requests with their answers, deltas of one part in one row. */
import type { Entry, MessageEntry, Side } from "../entries.js";
import { chunkKinds, deltaOf } from "./deltas.js";
import { at, textAt } from "./members.js";
import { endsWith } from "./pipes.js";

export type RowKind =
  | "request"
  | "notification"
  | "response"
  | "broken"
  | "gap"
  | "missed"
  | "stderr"
  | "start"
  | "end";

/** One row. A row changes: an answer comes, or another delta. */
export interface Row {
  readonly index: number;
  readonly entry: Entry;
  readonly kind: RowKind;
  readonly pipe: string;
  readonly from: Side | undefined;
  /** The method; of a response, that of its request. */
  method: string;
  readonly id: string | undefined;
  readonly session: string | undefined;
  readonly run: string | undefined;
  readonly invalid: string | undefined;
  bytes: number;
  /** The other half of a request or a response. */
  partner: Row | undefined;
  /** Of a pair, the time between its halves in milliseconds. */
  ms: number | undefined;
  /** Whether a response is an error. */
  readonly isError: boolean;
  /** Of deltas: how many there are in this row, and their text. */
  deltas: { count: number; text: string; last: Entry } | undefined;
}

/** A page keeps as many rows as the server keeps entries; older ones go in steps. */
const mostRows = 100_000;
const cutAtOnce = 10_000;

/** Requests by which a server asks a person. */
const questions = new Set(["requestPermission", "requestInput", "session/request_permission"]);

/** All rows of what was seen. */
export class Traffic {
  #rows: Row[] = [];
  #next = 0;
  readonly #open = new Map<string, Row>();
  /** Those of them that were withdrawn: an answer still belongs to its request. */
  readonly #withdrawn = new Set<string>();
  readonly #deltas = new Map<string, Row>();
  /** How many rows were left out at the beginning. */
  #cut = 0;
  readonly sessions = new Set<string>();
  readonly runs = new Set<string>();
  readonly pipes = new Set<string>();

  get rows(): readonly Row[] {
    return this.#rows;
  }

  get cut(): number {
    return this.#cut;
  }

  /** Requests of servers that a person must answer, and that are neither answered nor withdrawn. */
  get questions(): readonly Row[] {
    return [...this.#open].flatMap(([key, row]) =>
      questions.has(row.method) && !this.#withdrawn.has(key) ? [row] : [],
    );
  }

  /** The row with this index; undefined where it was left out. */
  row(index: number): Row | undefined {
    return this.#rows[index - this.#cut];
  }

  /** Takes an entry; gives its row, which may be an earlier one. */
  add(entry: Entry): Row {
    const folded = entry.kind === "message" ? this.#fold(entry) : undefined;
    if (folded !== undefined) return folded;
    const row = this.#rowOf(entry);
    this.#next += 1;
    this.#rows.push(row);
    this.pipes.add(row.pipe);
    if (row.session !== undefined) this.sessions.add(row.session);
    if (row.run !== undefined) this.runs.add(row.run);
    if (entry.kind === "message") this.#remember(entry, row);
    if (entry.kind === "end") this.#close(row.pipe);
    if (this.#rows.length > mostRows + cutAtOnce) {
      this.#rows = this.#rows.slice(cutAtOnce);
      this.#cut += cutAtOnce;
      this.#forgetCut();
    }
    return row;
  }

  /** What is not shown any more is not kept by what points to it. A question stays until its answer. */
  #forgetCut(): void {
    for (const [key, { index }] of this.#deltas) if (index < this.#cut) this.#deltas.delete(key);
    for (const [key, { index, method }] of this.#open) {
      if (index < this.#cut && !questions.has(method)) this.#open.delete(key);
    }
    for (const [names, nameOf] of [
      [this.sessions, ({ session }: Row) => session],
      [this.runs, ({ run }: Row) => run],
      [this.pipes, ({ pipe }: Row) => pipe],
    ] as const) {
      names.clear();
      for (const row of this.#rows) {
        const name = nameOf(row);
        if (name !== undefined) names.add(name);
      }
    }
  }

  #rowOf(entry: Entry): Row {
    const message = entry.kind === "message" ? entry.message : undefined;
    const kind = entry.kind === "message" ? kindOf(message) : entry.kind;
    const pipe = entry.pipe ?? "";
    const from = "from" in entry ? entry.from : undefined;
    const id = idOf(message);
    const partner =
      kind === "response" && from !== undefined
        ? this.#open.get(`${pipe} ${other(from)} ${id}`)
        : undefined;
    const params = at(message, "params");
    const row: Row = {
      index: this.#next,
      entry,
      kind,
      pipe,
      from,
      method: textAt(message, "method") ?? partner?.method ?? "",
      id,
      session:
        textAt(params, "sessionId") ?? partner?.session ?? textAt(message, "result", "sessionId"),
      run: textAt(params, "runId") ?? partner?.run ?? textAt(message, "result", "runId"),
      invalid: "invalid" in entry ? entry.invalid : undefined,
      bytes: "bytes" in entry ? entry.bytes : "text" in entry ? (entry.text?.length ?? 0) : 0,
      partner,
      ms: partner && entry.at - partner.entry.at,
      isError: at(message, "error") !== undefined && at(message, "error") !== null,
      deltas: undefined,
    };
    return row;
  }

  #remember(entry: MessageEntry, row: Row): void {
    if (row.kind === "request") {
      const key = `${row.pipe} ${entry.from} ${row.id}`;
      this.#open.set(key, row);
      this.#withdrawn.delete(key);
    } else if (row.partner !== undefined) {
      row.partner.partner = row;
      row.partner.ms = row.ms;
      const key = `${row.pipe} ${other(entry.from)} ${row.id}`;
      this.#open.delete(key);
      this.#withdrawn.delete(key);
    }
    if (row.method === "$/cancelRequest") this.#withdraw(entry, row);
    const delta = deltaOf(entry.message);
    if (delta === undefined) {
      this.#endChunks(entry, row);
      return;
    }
    row.deltas = { count: 1, text: delta.text, last: entry };
    this.#deltas.set(`${row.pipe} ${delta.key}`, row);
  }

  /** Whoever has asked a question and takes it back waits for no answer. */
  #withdraw({ message, from }: MessageEntry, { pipe }: Row): void {
    const key = `${pipe} ${from} ${idOf(at(message, "params"))}`;
    if (questions.has(this.#open.get(key)?.method ?? "")) this.#withdrawn.add(key);
  }

  /** Nobody answers any more on a pipe that has ended. */
  #close(ended: string): void {
    for (const [key, { pipe }] of this.#open) {
      if (!endsWith(pipe, ended)) continue;
      this.#open.delete(key);
      this.#withdrawn.delete(key);
    }
  }

  /** Another delta of a part that has a row. */
  #fold(entry: MessageEntry): Row | undefined {
    const delta = entry.invalid === undefined ? deltaOf(entry.message) : undefined;
    if (delta === undefined) return undefined;
    const row = this.#deltas.get(`${entry.pipe ?? ""} ${delta.key}`);
    if (row?.deltas === undefined) return undefined;
    row.deltas.count += 1;
    row.deltas.text += delta.text;
    row.deltas.last = entry;
    row.bytes += entry.bytes;
    row.ms = entry.at - row.entry.at;
    return row;
  }

  /** ACP's chunks have no part: another update of the session ends what they belong to. */
  #endChunks(entry: MessageEntry, row: Row): void {
    if (textAt(entry.message, "method") !== "session/update" || row.session === undefined) return;
    for (const kind of chunkKinds) this.#deltas.delete(`${row.pipe} ${row.session} ${kind}`);
  }
}

function kindOf(message: unknown): RowKind {
  if (at(message, "method") === undefined) return "response";
  return at(message, "id") === undefined ? "notification" : "request";
}

function idOf(message: unknown): string | undefined {
  const id = at(message, "id");
  return id === undefined ? undefined : JSON.stringify(id);
}

function other(side: Side): Side {
  return side === "client" ? "server" : "client";
}
