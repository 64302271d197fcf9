/** The entry of a row; of deltas in one row, one entry with the text of all of them. */
import type { Entry } from "../entries.js";
import { hiddenText, hideContents } from "../hiddenContents.js";
import { at } from "./members.js";
import type { Row } from "./traffic.js";

export function wholeEntry({ entry, deltas, bytes }: Row): Entry {
  if (entry.kind !== "message" || deltas === undefined || deltas.count === 1) return entry;
  const { message } = entry;
  const params = at(message, "params");
  const update = at(params, "update");
  const whole =
    update === undefined
      ? { ...asObject(params), delta: deltas.text }
      : {
          ...asObject(params),
          update: {
            ...asObject(update),
            content: { ...asObject(at(update, "content")), text: deltas.text },
          },
        };
  return { ...entry, bytes, message: { ...asObject(message), params: whole } };
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

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
