// Reads what an agent has sent. Nothing of it is trusted: what has another form counts as absent.

/** An object of JSON. */
export type Json = Readonly<Record<string, unknown>>;

/** The value as an object; empty if it is none. */
export function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

/** The value as a text; undefined if it is none. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The value as a list of objects; empty if it is none. */
export function objects(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

/** The value as a number of at least 0; undefined if it is none. */
export function amount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}
