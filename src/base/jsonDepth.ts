/**
 * The deepest nesting of JSON that is taken from a model, a tool server or a client. Nobody needs
 * more. Code that walks through a value recursively (`JSON.stringify` too) fails with a
 * `RangeError` at a few thousand levels.
 */
export const deepestJson = 200;

/**
 * Whether arrays and objects are nested more than `most` deep. Each value is looked at once and
 * without recursion, so it also ends for a value that contains itself.
 */
export function isNestedDeeper(value: unknown, most: number = deepestJson): boolean {
  let level: object[] = isObject(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > most) return true;
    const next: object[] = [];
    const seen = new Set<object>();
    for (const parent of level) {
      for (const child of Array.isArray(parent) ? parent : Object.values(parent)) {
        if (!isObject(child) || seen.has(child)) continue;
        seen.add(child);
        next.push(child);
      }
    }
    level = next;
  }
  return false;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
