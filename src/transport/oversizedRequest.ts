/**
 * Finds the id of a request that is too long to be stored, while it is skipped: its top-level `id`,
 * once a top-level `method` has been seen too. Members of `params` and of other inner values do not
 * count, and neither do responses and batches. It stores only one short token.
 */

const quote = 0x22;
const backslash = 0x5c;
const openers = new Set([0x7b, 0x5b]);
const closers = new Set([0x7d, 0x5d]);
const blank = new Set([0x20, 0x09, 0x0d, 0x0a]);
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const byteOrderMark = [0xef, 0xbb, 0xbf];
/** The longest token that is kept. No usable id is longer, and no member name that counts. */
const longestToken = 1024;
const numberText = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** The result for a message: `undefined` while further bytes may change it. */
export type RequestId = string | "none" | undefined;

/** Reads the bytes of one message. */
export class OversizedRequest {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** The token that is being read at the top level, as text; undefined if it is too long. */
  #token: string | undefined = "";
  /** The top-level member whose value is read now or next. */
  #member: string | undefined;
  #isValue = false;
  #id: string | undefined;
  #hasMethod = false;
  #markBytes = 0;
  #result: RequestId;

  /**
   * Takes the next bytes. Returns the JSON text of the id as soon as it is clear that it is a
   * request's id, and `"none"` as soon as it is clear that there is none.
   */
  push(bytes: Uint8Array): RequestId {
    for (let at = 0; at < bytes.length && this.#result === undefined; at++) {
      if (this.#isInString) at = this.#readString(bytes, at);
      else this.#readByte(bytes[at] ?? 0);
    }
    return this.#result;
  }

  /** Goes on reading a string at `at`; returns the index of the last byte that belongs to it. */
  #readString(bytes: Uint8Array, at: number): number {
    let end = at;
    for (; end < bytes.length; end++) {
      const byte = bytes[end];
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === backslash) this.#isEscaped = true;
      else if (byte === quote) {
        this.#isInString = false;
        break;
      }
    }
    const last = Math.min(end, bytes.length - 1);
    if (this.#depth === 1) this.#keep(bytes.subarray(at, last + 1));
    return last;
  }

  #readByte(byte: number): void {
    if (this.#depth === 0) {
      this.#begin(byte);
    } else if (byte === quote) {
      this.#isInString = true;
      if (this.#depth === 1) this.#keep([byte]);
    } else if (openers.has(byte)) {
      this.#depth++;
      // An array or object is neither an id nor a method's name.
      this.#token = undefined;
    } else if (closers.has(byte)) {
      if (this.#depth === 1) this.#endMember();
      this.#depth--;
      if (this.#depth === 0) this.#result ??= "none";
    } else if (this.#depth === 1) this.#readBetween(byte);
  }

  #begin(byte: number): void {
    if (byte === openBrace) this.#depth = 1;
    else if (byte === byteOrderMark[this.#markBytes]) this.#markBytes++;
    else if (!blank.has(byte)) this.#result = "none";
  }

  #readBetween(byte: number): void {
    if (byte === comma) this.#endMember();
    else if (byte === colon && !this.#isValue) {
      this.#member = stringOf(this.#token);
      this.#isValue = true;
      this.#token = "";
    } else if (!blank.has(byte)) this.#keep([byte]);
  }

  #keep(bytes: Uint8Array | readonly number[]): void {
    if (this.#token === undefined) return;
    if (this.#token.length + bytes.length > longestToken) this.#token = undefined;
    else this.#token += Buffer.from(bytes).toString("latin1");
  }

  #endMember(): void {
    const text = this.#token;
    if (this.#member === "method" && stringOf(text) !== undefined) this.#hasMethod = true;
    if (this.#member === "id" && isId(text)) this.#id = text;
    this.#member = undefined;
    this.#isValue = false;
    this.#token = "";
    if (this.#hasMethod && this.#id !== undefined) this.#result = utf8(this.#id);
  }
}

/** Tokens are kept with one character per byte, so that a cut inside a character does no harm. */
function utf8(token: string): string {
  return Buffer.from(token, "latin1").toString("utf8");
}

function stringOf(token: string | undefined): string | undefined {
  if (token === undefined || !token.startsWith('"')) return undefined;
  try {
    const value: unknown = JSON.parse(utf8(token));
    return typeof value === "string" ? value : undefined;
  } catch {
    // It is no valid string.
    return undefined;
  }
}

function isId(token: string | undefined): token is string {
  return stringOf(token) !== undefined || (token !== undefined && numberText.test(token));
}
