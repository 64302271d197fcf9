/**
 * Reads JSON that is large in steps, and lets the rest of the process work between them. `JSON.parse` takes
 * seconds for some megabytes of brackets, and can neither pause nor stop.
 *
 * Strings and numbers are read by `JSON.parse` itself, so each value is what it would have given.
 */
import { setImmediate } from "node:timers/promises";
import { deepestJson } from "./jsonDepth.js";

/** JSON of more bytes than this is read in steps: less is read faster than the event loop may be held. */
export const steppedJsonBytes = 128 * 1024;
/** The most values that are taken; with less, memory could grow to a hundred times of what was sent. */
export const mostJsonValues = 1_000_000;

/** The most members of one object: to make room for more takes too long at once. */
const mostMembers = 250_000;

/** How long a step takes, in milliseconds. */
const stepMs = 8;
/** Values between two looks at the time. */
const valuesPerLook = 128;
/** The longest part of a string that is read at once, in bytes, and the longest number. */
const longestPiece = 64 * 1024;
/** Values that are nested deeper are not kept: nobody takes them. Three more may be around a message. */
const deepestKept = deepestJson + 3;

const [quote, backslash, letterU] = [0x22, 0x5c, 0x75];
const [comma, colon] = [0x2c, 0x3a];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

/** There are more values than are taken. */
export class TooManyValues extends Error {
  override readonly name = "TooManyValues";
}

/** What was read. */
export interface SteppedJson {
  readonly value: unknown;
  /** How deep arrays and objects are nested in one of those near the top; 0 if they are not too deep. */
  depthOf(value: unknown): number;
  /** The text of a member `id` that is a number which JavaScript cannot hold. */
  idTextOf(value: unknown): string | undefined;
}

/**
 * The value of a JSON text in valid UTF-8. Rejects with a `SyntaxError` if it is no JSON, and with
 * {@link TooManyValues}. What is nested deeper than anybody takes is left out; `depthOf` tells of it.
 */
export async function parseInSteps(bytes: Buffer): Promise<SteppedJson> {
  const reading = new Reading(bytes);
  const steps = reading.steps();
  while (steps.next().done !== true) await setImmediate();
  return reading;
}

type Container = unknown[] | Record<string, unknown>;
type Expected = "value" | "valueOrEnd" | "key" | "keyOrEnd" | "commaOrEnd";

class Reading implements SteppedJson {
  readonly #bytes: Buffer;
  #at = 0;
  #values = 0;
  #expected: Expected = "value";
  /** The arrays and objects that are open, and for each object the member that is read. */
  readonly #open: Container[] = [];
  readonly #keys: string[] = [];
  readonly #members: number[] = [];
  readonly #depths = new Map<unknown, number>();
  readonly #ids = new Map<unknown, string>();
  #stepEndsAt = 0;
  value: unknown;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  depthOf(value: unknown): number {
    return this.#depths.get(value) ?? 0;
  }

  idTextOf(value: unknown): string | undefined {
    return this.#ids.get(value);
  }

  /** Reads all of it; each step ends with a `yield`. */
  *steps(): Generator<void, void> {
    this.#stepEndsAt = performance.now() + stepMs;
    while (this.#at < this.#bytes.length) {
      if (this.#values % valuesPerLook === 0) yield* this.#pause();
      const byte = this.#bytes[this.#at] ?? 0;
      if (isBlank(byte)) yield* this.#blank();
      else yield* this.#token(byte);
    }
    if (this.#open.length > 0 || this.#expected !== "commaOrEnd") throw notJson();
  }

  *#pause(): Generator<void, void> {
    if (performance.now() < this.#stepEndsAt) return;
    yield;
    this.#stepEndsAt = performance.now() + stepMs;
  }

  *#token(byte: number): Generator<void, void> {
    const expected = this.#expected;
    if (byte === closeBracket || byte === closeBrace) this.#close(byte);
    else if (expected === "commaOrEnd") this.#goOn(byte);
    else if (byte === quote) {
      const text = yield* this.#string();
      if (expected === "key" || expected === "keyOrEnd") yield* this.#endKey(text);
      else this.#put(text);
    } else if (expected === "key" || expected === "keyOrEnd") throw notJson();
    else if (byte === openBracket || byte === openBrace) yield* this.#begin(byte);
    else this.#put(this.#word());
  }

  #goOn(byte: number): void {
    const parent = this.#open.at(-1);
    if (parent === undefined || byte !== comma) throw notJson();
    this.#expected = Array.isArray(parent) ? "value" : "key";
    this.#at++;
  }

  #close(byte: number): void {
    const expected = byte === closeBracket ? "valueOrEnd" : "keyOrEnd";
    const parent = this.#open.pop();
    const isMeant = this.#expected === "commaOrEnd" || this.#expected === expected;
    if (parent === undefined || !isMeant || Array.isArray(parent) !== (byte === closeBracket)) {
      throw notJson();
    }
    if (!Array.isArray(parent)) {
      this.#keys.pop();
      this.#members.pop();
    }
    this.#expected = "commaOrEnd";
    this.#at++;
  }

  *#endKey(key: string): Generator<void, void> {
    const open = this.#keys.length - 1;
    this.#keys[open] = key;
    const members = (this.#members[open] ?? 0) + 1;
    if (members > mostMembers) throw new TooManyValues();
    this.#members[open] = members;
    if (isBlank(this.#bytes[this.#at])) yield* this.#blank();
    if (this.#bytes[this.#at] !== colon) throw notJson();
    this.#expected = "value";
    this.#at++;
  }

  *#begin(byte: number): Generator<void, void> {
    this.#noteDepth();
    if (this.#open.length === deepestKept) {
      yield* this.#skipNested();
      this.#put(null);
      return;
    }
    const container: Container = byte === openBracket ? [] : {};
    this.#put(container);
    this.#open.push(container);
    if (byte === openBrace) {
      this.#keys.push("");
      this.#members.push(0);
    }
    this.#expected = byte === openBracket ? "valueOrEnd" : "keyOrEnd";
    this.#at++;
  }

  /** The members of a message, in which nesting is counted, are one level below it, or two in a batch. */
  #noteDepth(): void {
    if (this.#open.length < deepestJson) return;
    for (const level of [0, Array.isArray(this.#open[0]) ? 2 : 1]) {
      const depth = this.#open.length - level + 1;
      const member = this.#open[level];
      this.#depths.set(member, Math.max(depth, this.depthOf(member)));
    }
  }

  #put(value: unknown): void {
    this.#values++;
    if (this.#values > mostJsonValues) throw new TooManyValues();
    this.#expected = "commaOrEnd";
    const parent = this.#open.at(-1);
    if (parent === undefined) this.value = value;
    else if (Array.isArray(parent)) parent.push(value);
    else setOwn(parent, this.#keys.at(-1) ?? "", value);
  }

  /** Reads what stands outside quotes: a number, `true`, `false` or `null`. */
  #word(): unknown {
    const start = this.#at;
    let end = start;
    while (end < this.#bytes.length && !endsWord(this.#bytes[end] ?? 0)) {
      end++;
      if (end - start > longestPiece) throw notJson();
    }
    const text = this.#bytes.toString("latin1", start, end);
    const value: unknown = JSON.parse(text);
    this.#at = end;
    if (typeof value === "number" && this.#keys.at(-1) === "id" && !Number.isSafeInteger(value)) {
      this.#ids.set(this.#open.at(-1), text);
    }
    return value;
  }

  *#string(): Generator<void, string> {
    let text = "";
    this.#at++;
    for (;;) {
      const { end, isPlain } = this.#piece();
      const piece = this.#bytes.toString("utf8", this.#at, end);
      text += isPlain ? piece : (JSON.parse(`"${piece}"`) as string);
      this.#at = end;
      if (this.#bytes[end] === quote) break;
      if (end >= this.#bytes.length) throw notJson();
      yield* this.#pause();
    }
    this.#at++;
    return text;
  }

  /** Where the string ends, or where it can be cut: not inside an escape, nor inside a character. */
  #piece(): { end: number; isPlain: boolean } {
    const bytes = this.#bytes;
    const enough = this.#at + longestPiece;
    let isPlain = true;
    let end = this.#at;
    for (; end < bytes.length; end++) {
      const byte = bytes[end] ?? 0;
      if (byte === quote || (end >= enough && (byte & 0xc0) !== 0x80)) break;
      if (byte < 0x20) isPlain = false;
      if (byte === backslash) {
        isPlain = false;
        end += bytes[end + 1] === letterU ? 5 : 1;
      }
    }
    return { end: Math.min(end, bytes.length), isPlain };
  }

  /** Passes an array or object by. Whether it is valid JSON does not matter any more. */
  *#skipNested(): Generator<void, void> {
    let depth = 0;
    for (let looked = this.#at; ; ) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw notJson();
      if (byte === quote) yield* this.#string();
      else this.#at++;
      if (byte === openBracket || byte === openBrace) depth++;
      else if (byte === closeBracket || byte === closeBrace) depth--;
      if (depth === 0) return;
      if (this.#at - looked < longestPiece) continue;
      looked = this.#at;
      yield* this.#pause();
    }
  }

  *#blank(): Generator<void, void> {
    const enough = this.#at + longestPiece;
    while (isBlank(this.#bytes[this.#at]) && this.#at < enough) this.#at++;
    if (this.#at < enough) return;
    yield* this.#pause();
    yield* this.#blank();
  }
}

/** Sets a member of the object's own, as `JSON.parse` does, whatever its name. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") object[key] = value;
  else {
    const own = { value, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(object, key, own);
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function endsWord(byte: number): boolean {
  return byte === comma || byte === closeBracket || byte === closeBrace || isBlank(byte);
}

function notJson(): SyntaxError {
  return new SyntaxError("this is not JSON");
}
