// Bytes to lines, in bounded memory however long a line is.

/** A line without its end. */
export interface Line {
  readonly text: string;
  /** Bytes at its end that were left out. */
  readonly omittedBytes: number;
}

const lineFeed = 10;
const carriageReturn = 13;

/** Splits a stream of UTF-8 into lines and keeps `maxBytes` of each. */
export class LineSplitter {
  readonly #maxBytes: number;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #omittedBytes = 0;
  #hasBegun = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the next bytes and gives the lines that they end. */
  *push(chunk: Buffer): Generator<Line> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(lineFeed, start);
      if (end === -1) {
        if (start < chunk.length) this.#keep(chunk.subarray(start));
        return;
      }
      this.#keep(chunk.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
  }

  /** Gives the last line, if it has no end. */
  *end(): Generator<Line> {
    if (this.#hasBegun) yield this.#take();
  }

  #keep(bytes: Buffer): void {
    this.#hasBegun = true;
    const room = Math.max(0, this.#maxBytes - this.#keptBytes);
    const kept = bytes.subarray(0, room);
    // A copy: the caller reads into the same buffer again.
    if (kept.length > 0) this.#kept.push(Buffer.from(kept));
    this.#keptBytes += kept.length;
    this.#omittedBytes += bytes.length - kept.length;
  }

  #take(): Line {
    let bytes = Buffer.concat(this.#kept);
    if (this.#omittedBytes === 0 && bytes.at(-1) === carriageReturn) bytes = bytes.subarray(0, -1);
    const text = this.#omittedBytes === 0 ? bytes.toString("utf8") : withoutBrokenEnd(bytes);
    const line = { text, omittedBytes: this.#omittedBytes };
    this.#kept = [];
    this.#keptBytes = 0;
    this.#omittedBytes = 0;
    this.#hasBegun = false;
    return line;
  }
}

/** Decodes bytes that may have been cut inside a character. */
function withoutBrokenEnd(bytes: Buffer): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });
}
