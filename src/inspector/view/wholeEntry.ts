/** The entry of a row; of deltas in one row, one entry with the text of all of them. */
import type { Entry } from "../entries.js";
import { hiddenText, hideContents } from "../hiddenContents.js";
import { withDeltaText } from "./deltas.js";
import type { Row } from "./traffic.js";

export function wholeEntry({ entry, deltas, bytes }: Row): Entry {
  if (entry.kind !== "message" || deltas === undefined || deltas.count === 1) return entry;
  return { ...entry, bytes, message: withDeltaText(entry.message, deltas.text) };
}

/** An entry without what was written in it. */
export function withoutContents(entry: Entry): Entry {
  if (entry.kind === "message") return { ...entry, message: hideContents(entry.message) };
  if (entry.kind === "stderr") return { ...entry, text: hiddenText(entry.text) };
  if (entry.kind === "broken" && entry.text !== undefined) {
    return { ...entry, text: hiddenText(entry.text) };
  }
  return entry;
}
