/** Which rows of the traffic are shown. */
import { shownName } from "../hiddenContents.js";
import { endsWith } from "./pipes.js";
import type { Row, Traffic } from "./traffic.js";
import { withoutContents } from "./wholeEntry.js";

/** What is asked for; an empty text asks for nothing. */
export interface Filter {
  readonly method: string;
  /** A server, with those of its clients. */
  readonly pipe: string;
  readonly session: string;
  readonly run: string;
  readonly text: string;
  readonly onlyInvalid: boolean;
}

export const everything: Filter = {
  method: "",
  pipe: "",
  session: "",
  run: "",
  text: "",
  onlyInvalid: false,
};

/** Rows that are looked at before other work gets its turn. */
const rowsAtOnce = 4_000;
/** The same where each row is first made as it is shown. */
const slowRowsAtOnce = 500;

/** The rows that fit, found bit by bit, so that a page with many rows stays quick. */
export class FilteredRows {
  readonly #traffic: Traffic;
  readonly #filter: Filter;
  readonly #isHidden: boolean;
  #found: Row[] = [];
  #next = 0;

  /** @param isHidden whether contents are hidden: then they are not found either. */
  constructor(traffic: Traffic, filter: Filter, isHidden = false) {
    this.#isHidden = isHidden;
    this.#traffic = traffic;
    this.#filter = filter;
  }

  get rows(): readonly Row[] {
    return this.#found;
  }

  /**
   * Looks at some more rows, and at none from the row `until` on; returns whether there are more to look at.
   */
  advance(until = Number.POSITIVE_INFINITY): boolean {
    const { rows, cut } = this.#traffic;
    const last = Math.min(cut + rows.length, until);
    if ((this.#found[0]?.index ?? cut) < cut) {
      this.#found = this.#found.filter(({ index }) => index >= cut);
    }
    this.#next = Math.max(this.#next, cut);
    const isSlow = this.#isHidden && this.#filter.text !== "";
    const end = Math.min(this.#next + (isSlow ? slowRowsAtOnce : rowsAtOnce), last);
    for (; this.#next < end; this.#next++) {
      const row = rows[this.#next - cut];
      if (row !== undefined && fits(row, this.#filter, this.#isHidden)) this.#found.push(row);
    }
    return this.#next < last;
  }
}

/** Whether a row is one that is asked for. */
function fits(
  row: Row,
  { method, pipe, session, run, text, onlyInvalid }: Filter,
  isHidden: boolean,
): boolean {
  const shown = shownName(row.method, isHidden).toLowerCase();
  const isLeftOut = row.kind === "gap" || row.kind === "missed";
  if (onlyInvalid && row.invalid === undefined && !isLeftOut) return false;
  if (pipe !== "" && !endsWith(row.pipe, pipe)) return false;
  if (session !== "" && row.session !== session) return false;
  if (run !== "" && row.run !== run) return false;
  if (method !== "" && !shown.includes(method.toLowerCase())) return false;
  return text === "" || searched(row, isHidden).includes(text.toLowerCase());
}

function searched(row: Row, isHidden: boolean): string {
  const entry = isHidden ? withoutContents(row.entry) : row.entry;
  const deltas = isHidden ? undefined : row.deltas;
  const own = entry.kind === "message" ? JSON.stringify(entry.message) : JSON.stringify(entry);
  return `${shownName(row.method, isHidden)} ${own} ${deltas?.text ?? ""}`.toLowerCase();
}
