/**
 * The `ndjson` framing: one message a line. Blank lines are nothing, `\r` before the newline is
 * tolerated, a last line without newline is still a message. A line over the limit is reported when
 * it crosses it and skipped, unheld, up to its newline.
 */
import { ChunkList, type FrameDecoder, frameOf, type OnFrame, tooLarge } from "./framing.js";

const newline = 0x0a;
const carriageReturn = 0x0d;

export class LineDecoder implements FrameDecoder {
  readonly #maxMessageBytes: number;
  readonly #onFrame: OnFrame;
  readonly #line = new ChunkList();
  #isSkipping = false;

  constructor(options: { maxMessageBytes: number; onFrame: OnFrame }) {
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#onFrame = options.onFrame;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (
      let end = chunk.indexOf(newline);
      end !== -1;
      start = end + 1, end = chunk.indexOf(newline, start)
    ) {
      this.#extend(chunk.subarray(start, end));
      this.#endLine();
    }
    this.#extend(chunk.subarray(start));
  }

  end(): void {
    this.#endLine();
  }

  #extend(part: Buffer): void {
    if (this.#isSkipping) return;
    // One byte more than the limit may still be the `\r` of the line's end.
    if (this.#line.length + part.length > this.#maxMessageBytes + 1) this.#skip();
    else this.#line.add(part);
  }

  #skip(): void {
    this.#line.clear();
    this.#isSkipping = true;
    this.#onFrame(tooLarge(this.#maxMessageBytes));
  }

  #endLine(): void {
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return;
    }
    let line = this.#line.take();
    if (line.at(-1) === carriageReturn) line = line.subarray(0, -1);
    if (line.length > this.#maxMessageBytes) this.#onFrame(tooLarge(this.#maxMessageBytes));
    else if (!isBlank(line)) this.#onFrame(frameOf(line));
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === carriageReturn);
}
