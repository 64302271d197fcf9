// Half of a surrogate pair cannot be written in UTF-8, and providers refuse the whole request that
// has one. Text that was cut at a wrong position, or that a model made up, can contain them.
import { toUSVString } from "node:util";

/** A text with U+FFFD instead of every half of a surrogate pair. */
export function wellFormed(text: string): string {
  return toUSVString(text);
}

/** A JSON value in which every string and every member name is {@link wellFormed}. */
export function wellFormedJson(value: unknown): unknown {
  if (typeof value === "string") return wellFormed(value);
  if (Array.isArray(value)) return value.map(wellFormedJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [wellFormed(name), wellFormedJson(inner)]),
  );
}
