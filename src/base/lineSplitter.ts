// The one way in which a stream of bytes is cut into lines, in bounded memory however long a line is.

/** A line without its end. */
export interface Line {
  readonly text: string;
  /** How many bytes at its end were left out, because the line is longer than the limit. */
  readonly omittedBytes: number;
}

/** A line of a stream, with its bytes: a long line takes its time to become a text. */
export class KeptLine implements Line {
  readonly bytes: Buffer;
  readonly omittedBytes: number;
  #text: string | undefined;

  constructor(bytes: Buffer, omittedBytes: number) {
    this.bytes = bytes;
    this.omittedBytes = omittedBytes;
  }

  get text(): string {
    this.#text ??=
      this.omittedBytes === 0 ? this.bytes.toString("utf8") : withoutBrokenEnd(this.bytes);
    return this.#text;
  }
}

const lineFeed = 10;
const carriageReturn = 13;

/** Splits a stream of UTF-8 into lines and keeps at most `maxBytes` of each. */
export class LineSplitter {
  readonly #maxBytes: number;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #omittedBytes = 0;
  #hasBegun = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether the line that has begun, and has not ended yet, is already longer than the limit. */
  get isOverLimit(): boolean {
    return this.#omittedBytes > 0;
  }

  /** Takes the next bytes and gives the lines that end in them. */
  *push(chunk: Uint8Array): Generator<KeptLine> {
    for (const { bytes, endsLine } of linePieces(chunk)) {
      this.#keep(bytes, !endsLine);
      if (endsLine) yield this.#take();
    }
  }

  /** Gives the last line, if it has no end. */
  *end(): Generator<KeptLine> {
    if (this.#hasBegun) yield this.#take();
  }

  #keep(bytes: Buffer, isHeld: boolean): void {
    this.#hasBegun = true;
    const kept = bytes.subarray(0, Math.max(0, this.#maxBytes - this.#keptBytes));
    // A copy of what is held: the caller may read the next bytes into the same buffer.
    if (kept.length > 0) this.#kept.push(isHeld ? Buffer.from(kept) : kept);
    this.#keptBytes += kept.length;
    this.#omittedBytes += bytes.length - kept.length;
  }

  #take(): KeptLine {
    let bytes = Buffer.concat(this.#kept);
    if (this.#omittedBytes === 0 && bytes.at(-1) === carriageReturn) bytes = bytes.subarray(0, -1);
    const line = new KeptLine(bytes, this.#omittedBytes);
    this.#kept = [];
    this.#keptBytes = 0;
    this.#omittedBytes = 0;
    this.#hasBegun = false;
    return line;
  }
}

/** Cuts one chunk at its line breaks. The last piece ends no line, and is given only if it has bytes. */
export function* linePieces(chunk: Uint8Array): Generator<{ bytes: Buffer; endsLine: boolean }> {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  let start = 0;
  for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
    yield { bytes: bytes.subarray(start, end), endsLine: true };
    start = end + 1;
  }
  if (start < bytes.length) yield { bytes: bytes.subarray(start), endsLine: false };
}

/** Decodes bytes that may have been cut inside a character. */
function withoutBrokenEnd(bytes: Buffer): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });
}
