/**
 * Writes a JSON value in the one form of RFC 8785: the members of objects are sorted by the UTF-16 units
 * of their names, numbers and texts are written as JavaScript writes them, and there is no white space.
 * Members that are `undefined` are left out. The value must not be nested deeper than `deepestJson`.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}
