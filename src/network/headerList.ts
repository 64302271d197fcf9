// The headers of a request or an answer, as the Fetch standard has them. The platform's own class comes
// with all of its `fetch`, which takes 25 ms and more to load, and tens of megabytes.
import { type IncomingHttpHeaders, validateHeaderName, validateHeaderValue } from "node:http";

/** What a list of headers is made of. */
export type HeaderInit =
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | undefined>>;

/**
 * Does what `Headers` does: names in small letters, in the order of their letters; values that came
 * more than once, separated by commas.
 *
 * @throws TypeError for a name or a value that no header may have. It does not repeat the value.
 */
export class HeaderList implements Iterable<[string, string]> {
  readonly #values = new Map<string, string>();

  /** The platform's own lists count too: what asks reads them as it reads this one. */
  static [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    return "forEach" in value && "get" in value && "append" in value;
  }

  constructor(init?: HeaderInit | null) {
    if (init === undefined || init === null) return;
    const pairs = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, String(value));
  }

  /** Those of an answer, as they came. */
  static received(headers: IncomingHttpHeaders): HeaderList {
    const list = new HeaderList();
    for (const [name, value] of Object.entries(headers)) {
      if (value === undefined) continue;
      list.#values.set(name, Array.isArray(value) ? value.join(", ") : value);
    }
    return list;
  }

  append(name: string, value: string): void {
    const [key, kept] = checked(name, value);
    const known = this.#values.get(key);
    this.#values.set(key, known === undefined ? kept : `${known}, ${kept}`);
  }

  set(name: string, value: string): void {
    this.#values.set(...checked(name, value));
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  forEach(listener: (value: string, name: string, list: HeaderList) => void): void {
    for (const [name, value] of this) listener(value, name, this);
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  entries(): IterableIterator<[string, string]> {
    return [...this.#values].sort(([one], [other]) => (one < other ? -1 : 1)).values();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}

/** The key and the value of a header. Blanks around a value are no part of it. */
function checked(name: string, value: string): [string, string] {
  const isBlank = (index: number) => "\t\n\r ".includes(value.charAt(index));
  let [from, to] = [0, value.length];
  while (from < to && isBlank(from)) from++;
  while (to > from && isBlank(to - 1)) to--;
  const kept = value.slice(from, to);
  validateHeaderName(name);
  validateHeaderValue(name, kept);
  return [name.toLowerCase(), kept];
}
