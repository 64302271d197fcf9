/** Reads members of messages, of which nothing is known: they may come from any program. */

/** The value at a path of names; undefined where there is none. */
export function at(value: unknown, ...names: readonly (string | number)[]): unknown {
  let found = value;
  for (const name of names) {
    if (typeof found !== "object" || found === null) return undefined;
    if (!Object.hasOwn(found, name)) return undefined;
    found = Reflect.get(found, name);
  }
  return found;
}

/** The text at a path. */
export function textAt(value: unknown, ...names: readonly (string | number)[]): string | undefined {
  const found = at(value, ...names);
  return typeof found === "string" ? found : undefined;
}

/** The number at a path. */
export function numberAt(
  value: unknown,
  ...names: readonly (string | number)[]
): number | undefined {
  const found = at(value, ...names);
  return typeof found === "number" ? found : undefined;
}

/** The list at a path; empty where there is none. */
export function listAt(value: unknown, ...names: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...names);
  return Array.isArray(found) ? found : [];
}
