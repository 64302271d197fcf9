/**
 * Like `map`, but the same list if it has nothing that `change` changes: of what is sent to a model
 * again, almost everything stays, and thousands of copies cost time at every call.
 */
export function mapChanged<T>(list: T[], change: (one: T, index: number) => T): T[] {
  let changed: T[] | undefined;
  for (const [index, one] of list.entries()) {
    const next = change(one, index);
    if (next === one) continue;
    changed ??= [...list];
    changed[index] = next;
  }
  return changed ?? list;
}
