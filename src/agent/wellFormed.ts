// Half of a surrogate pair cannot be written in UTF-8, and providers refuse the whole request that
// has one. Text that was cut in the wrong place, or made up by a model, has them.
import { toUSVString } from "node:util";

/** A text with U+FFFD in the place of every half of a surrogate pair. */
export function wellFormed(text: string): string {
  return toUSVString(text);
}

/** A JSON value in which every string, the names of members too, is {@link wellFormed}. */
export function wellFormedJson(value: unknown): unknown {
  if (typeof value === "string") return wellFormed(value);
  if (Array.isArray(value)) return value.map(wellFormedJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [wellFormed(name), wellFormedJson(inner)]),
  );
}
