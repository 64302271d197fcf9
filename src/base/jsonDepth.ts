/**
 * The deepest nesting of JSON that is taken from a model, a tool server or a client. Nobody needs
 * more. Code that walks through a value recursively (`JSON.stringify` too) fails with a
 * `RangeError` at a few thousand levels.
 */
export const deepestJson = 200;

/** How many values are looked at without a note of what was seen: more than JSON ever has here. */
const mostLooked = 2_000_000;

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Whether arrays and objects are nested more than `most` deep. It ends for a value that contains itself. */
export function isNestedDeeper(value: unknown, most: number = deepestJson): boolean {
  const look = { left: mostLooked };
  const isDeeper = isBranchDeeper(value, most, look);
  // Parts of a value that stand in it many times would be looked at many times.
  return look.left > 0 ? isDeeper : isLevelDeeper(value, most);
}

function isBranchDeeper(value: unknown, most: number, look: { left: number }): boolean {
  if (!isObject(value)) return false;
  if (most === 0) return true;
  if (look.left-- <= 0) return false;
  if (Array.isArray(value)) {
    for (const child of value) if (isBranchDeeper(child, most - 1, look)) return true;
    return false;
  }
  for (const name of Object.keys(value)) {
    const child = (value as Readonly<Record<string, unknown>>)[name];
    if (isBranchDeeper(child, most - 1, look)) return true;
  }
  return false;
}

/** The same without recursion, and each value of a level is looked at once. */
function isLevelDeeper(value: unknown, most: number): boolean {
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

/**
 * The same of a JSON text that nobody has parsed yet: `JSON.parse` takes half a second for a megabyte of
 * brackets. What is no JSON is counted as if it were.
 */
export function isTextNestedDeeper(text: string, most: number = deepestJson): boolean {
  return excessOf(text, { depth: most, values: Number.POSITIVE_INFINITY }) === "depth";
}

/** Which bound a JSON text is over, that nobody has parsed yet; undefined if it is over none. */
export function excessOf(
  text: string,
  most: { readonly depth: number; readonly values: number },
): "depth" | "values" | undefined {
  let depth = 0;
  let values = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === quote) index = endOfString(text, index);
    else if (unit === comma) values++;
    else if (unit === openBracket || unit === openBrace) {
      depth++;
      values++;
    } else if (unit === closeBracket || unit === closeBrace) depth--;
    if (depth > most.depth) return "depth";
    if (values > most.values) return "values";
  }
  return undefined;
}

/** Where a string ends that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === quote) return index;
    if (unit === backslash) index++;
  }
  return text.length;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
