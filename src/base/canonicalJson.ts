/**
 * A JSON value written in one way only, as RFC 8785 says: the members of objects in the order of their
 * names' UTF-16 units, numbers and texts as JavaScript writes them, no white space. What `undefined`
 * stands for is left out. The value must not be nested deeper than `deepestJson`.
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
