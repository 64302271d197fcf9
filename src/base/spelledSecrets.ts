/**
 * Secrets whose characters are spelled in another way: `%41` as in a URL, `\u0041`, `\x41` or `\"` as in JSON
 * and in source text, also one inside of the other. Each step goes through the text once, and nothing
 * backtracks.
 */

/** So many times one spelling is looked for inside of another. */
const mostLevels = 3;
const percent = 0x25;
const backslash = 0x5c;
const controls: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "'": "'",
  "/": "/",
  "\\": "\\",
};

/** A text with its escapes read, and where each of them stood. */
interface Reading {
  readonly plain: string;
  /** Where what it stands for begins in `plain`, and how long that is. */
  readonly at: readonly number[];
  readonly units: readonly number[];
  /** Where it begins and ends in the text that was read. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

type Range = readonly [from: number, to: number];

/** The text with the secrets in it replaced that it has in another spelling; `secrets` has the longest first. */
export function redactSpelled(text: string, secrets: readonly string[], mark: string): string {
  if (secrets.length === 0) return text;
  const readings: Reading[] = [];
  const found: Range[] = [];
  for (let read = text; readings.length < mostLevels; ) {
    const reading = readEscapes(read);
    if (reading === undefined) break;
    readings.push(reading);
    read = reading.plain;
    for (const place of placesOf(read, secrets)) found.push(written(place, readings));
  }
  return without(text, found, mark);
}

/** Undefined where there is no escape. */
function readEscapes(text: string): Reading | undefined {
  const [at, units, from, to]: [number[], number[], number[], number[]] = [[], [], [], []];
  const pieces: string[] = [];
  let behind = 0;
  let length = 0;
  for (let begin = nextEscape(text, 0); begin !== -1; begin = nextEscape(text, begin)) {
    const read = escapeAt(text, begin);
    if (read === undefined) {
      begin += 1;
      continue;
    }
    if (begin > behind) pieces.push(text.slice(behind, begin));
    length += begin - behind;
    at.push(length);
    units.push(read.plain.length);
    from.push(begin);
    pieces.push(read.plain);
    length += read.plain.length;
    begin += read.length;
    to.push(begin);
    behind = begin;
  }
  if (at.length === 0) return undefined;
  pieces.push(text.slice(behind));
  return { plain: pieces.join(""), at, units, from, to };
}

function nextEscape(text: string, from: number): number {
  for (let index = from; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === percent || unit === backslash) return index;
  }
  return -1;
}

/** What an escape stands for, and how long it is; undefined where none begins. */
function escapeAt(text: string, begin: number): { plain: string; length: number } | undefined {
  if (text.charCodeAt(begin) === percent) return bytesAt(text, begin);
  const kind = text.charAt(begin + 1);
  const digits = kind === "u" ? 4 : kind === "x" ? 2 : 0;
  if (digits === 0) {
    const plain = controls[kind];
    return plain === undefined ? undefined : { plain, length: 2 };
  }
  const unit = hexAt(text, begin + 2, digits);
  return unit < 0 ? undefined : { plain: String.fromCharCode(unit), length: 2 + digits };
}

/** One character: as many bytes of UTF-8 as its first one tells, if they are there. */
function bytesAt(text: string, begin: number): { plain: string; length: number } | undefined {
  const first = hexAt(text, begin + 1, 2);
  if (first < 0) return undefined;
  if (first < 0x80) return { plain: String.fromCharCode(first), length: 3 };
  const wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const bytes = [first];
  while (bytes.length < wanted && text.charCodeAt(begin + bytes.length * 3) === percent) {
    const next = hexAt(text, begin + bytes.length * 3 + 1, 2);
    if (next < 0x80) break;
    bytes.push(next);
  }
  return { plain: Buffer.from(bytes).toString(), length: bytes.length * 3 };
}

/** The number of so many hexadecimal digits; below zero where they are not there. */
function hexAt(text: string, begin: number, digits: number): number {
  let value = 0;
  for (let index = begin; index < begin + digits; index++) {
    const unit = text.charCodeAt(index) | 0x20;
    const digit = unit >= 0x61 ? unit - 0x57 : unit - 0x30;
    const isDigit = (unit >= 0x30 && unit <= 0x39) || (unit >= 0x61 && unit <= 0x66);
    if (!isDigit || index >= text.length) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function placesOf(text: string, secrets: readonly string[]): Range[] {
  const places: Range[] = [];
  for (const secret of secrets) {
    for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, at + secret.length)) {
      places.push([at, at + secret.length]);
    }
  }
  return places;
}

/** A place of the last reading in the text as it was written. */
function written(place: Range, readings: readonly Reading[]): Range {
  return readings.reduceRight<Range>(
    ([from, to], reading) => [writtenAt(from, reading, "from"), writtenAt(to - 1, reading, "to")],
    place,
  );
}

/** Where what stands at an index of a reading was written: its begin or its end. */
function writtenAt(index: number, reading: Reading, side: "from" | "to"): number {
  const { at, units, to } = reading;
  let [low, high] = [0, at.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((at[middle] ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  const end = side === "to" ? 1 : 0;
  if (low === 0) return index + end;
  const behind = (at[low - 1] ?? 0) + (units[low - 1] ?? 0);
  if (index < behind) return reading[side][low - 1] ?? 0;
  return index - behind + (to[low - 1] ?? 0) + end;
}

function without(text: string, found: Range[], mark: string): string {
  if (found.length === 0) return text;
  let clean = "";
  let behind = 0;
  for (const [from, to] of found.sort(([a], [b]) => a - b)) {
    if (to <= behind) continue;
    // Places that overlap are one.
    if (from >= behind) clean += text.slice(behind, from) + mark;
    behind = to;
  }
  return clean + text.slice(behind);
}
