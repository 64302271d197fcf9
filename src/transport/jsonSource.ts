/**
 * The source text of a value inside JSON. `JSON.parse` rounds a number like 9007199254740993, but
 * an id must come back as it was sent (protocol.md section 1). So this finds the original text.
 */

/**
 * The text of the value at `path`, or undefined if there is none. `text` must be valid JSON. If a
 * key is repeated, the last one counts, as in `JSON.parse`.
 */
export function sourceOf(text: string, path: readonly (string | number)[]): string | undefined {
  let at: number | undefined = skipBlank(text, 0);
  for (const step of path) {
    at = typeof step === "string" ? memberAt(text, at, step) : elementAt(text, at, step);
    if (at === undefined) return undefined;
  }
  return text.slice(at, endOfValue(text, at));
}

/** Where the value of the member `key` begins, in an object that begins at `at`. */
function memberAt(text: string, at: number, key: string): number | undefined {
  if (text[at] !== "{") return undefined;
  let found: number | undefined;
  let next = skipBlank(text, at + 1);
  while (text[next] === '"') {
    const endOfKey = endOfString(text, next);
    const isSought = JSON.parse(text.slice(next, endOfKey)) === key;
    const value = skipBlank(text, skipBlank(text, endOfKey) + 1);
    if (isSought) found = value;
    next = afterComma(text, endOfValue(text, value));
  }
  return found;
}

/** Where the element `index` begins, in an array that begins at `at`. */
function elementAt(text: string, at: number, index: number): number | undefined {
  if (text[at] !== "[") return undefined;
  let next = skipBlank(text, at + 1);
  for (let passed = 0; passed < index && text[next] !== "]"; passed++) {
    next = afterComma(text, endOfValue(text, next));
  }
  return text[next] === "]" ? undefined : next;
}

function afterComma(text: string, at: number): number {
  const next = skipBlank(text, at);
  return text[next] === "," ? skipBlank(text, next + 1) : next;
}

function skipBlank(text: string, at: number): number {
  let next = at;
  while (next < text.length && " \t\n\r".includes(text.charAt(next))) next++;
  return next;
}

function endOfString(text: string, at: number): number {
  let next = at + 1;
  while (text[next] !== '"') next += text[next] === "\\" ? 2 : 1;
  return next + 1;
}

function endOfValue(text: string, at: number): number {
  let next = at;
  let depth = 0;
  do {
    const character = text.charAt(next);
    if (character === '"') {
      next = endOfString(text, next);
      continue;
    }
    if (depth === 0 && character !== "{" && character !== "[") return endOfWord(text, next);
    if (character === "{" || character === "[") depth++;
    if (character === "}" || character === "]") depth--;
    next++;
  } while (depth > 0);
  return next;
}

/** The end of a number, `true`, `false` or `null`. */
function endOfWord(text: string, at: number): number {
  let next = at;
  while (next < text.length && !",]} \t\n\r".includes(text.charAt(next))) next++;
  return next;
}
