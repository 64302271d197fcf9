/** Which rows of the traffic are shown. */
import type { Row, Traffic } from "./traffic.js";

/** What is asked for; an empty text asks for nothing. */
export interface Filter {
  readonly method: string;
  readonly session: string;
  readonly run: string;
  readonly text: string;
  readonly onlyInvalid: boolean;
}

export const everything: Filter = {
  method: "",
  session: "",
  run: "",
  text: "",
  onlyInvalid: false,
};

/** Rows that are looked at before other work gets its turn. */
const rowsAtOnce = 4_000;

/** The rows that fit, found bit by bit, so that a page with many rows stays quick. */
export class FilteredRows {
  readonly #traffic: Traffic;
  readonly #filter: Filter;
  #found: Row[] = [];
  #next = 0;

  constructor(traffic: Traffic, filter: Filter) {
    this.#traffic = traffic;
    this.#filter = filter;
  }

  get rows(): readonly Row[] {
    return this.#found;
  }

  /** Looks at some more rows; returns whether there are more to look at. */
  advance(): boolean {
    const { rows, cut } = this.#traffic;
    if ((this.#found[0]?.index ?? cut) < cut) {
      this.#found = this.#found.filter(({ index }) => index >= cut);
    }
    this.#next = Math.max(this.#next, cut);
    const end = Math.min(this.#next + rowsAtOnce, cut + rows.length);
    for (; this.#next < end; this.#next++) {
      const row = rows[this.#next - cut];
      if (row !== undefined && fits(row, this.#filter)) this.#found.push(row);
    }
    return this.#next < cut + rows.length;
  }
}

/** Whether a row is one that is asked for. */
function fits(row: Row, { method, session, run, text, onlyInvalid }: Filter): boolean {
  if (onlyInvalid && row.invalid === undefined && row.kind !== "gap") return false;
  if (session !== "" && row.session !== session) return false;
  if (run !== "" && row.run !== run) return false;
  if (method !== "" && !row.method.toLowerCase().includes(method.toLowerCase())) return false;
  return text === "" || searched(row).includes(text.toLowerCase());
}

function searched(row: Row): string {
  const { entry, deltas } = row;
  const own = entry.kind === "message" ? JSON.stringify(entry.message) : JSON.stringify(entry);
  return `${row.method} ${own} ${deltas?.text ?? ""}`.toLowerCase();
}
