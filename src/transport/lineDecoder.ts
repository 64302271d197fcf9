/**
 * The `ndjson` framing: one message per line. Blank lines are ignored, `\r` before the newline is
 * accepted, and a last line without a newline is still a message. A line over the limit is skipped
 * without being stored. It is reported once, as soon as it is known whether it is a request, and
 * with which id.
 */
import { linePieces } from "../base/lineSplitter.js";
import { ChunkList, type FrameDecoder, frameOf, type OnFrame, tooLarge } from "./framing.js";
import { OversizedRequest } from "./oversizedRequest.js";

const carriageReturn = 0x0d;

export class LineDecoder implements FrameDecoder {
  readonly #maxMessageBytes: number;
  readonly #onFrame: OnFrame;
  readonly #line = new ChunkList();
  /**
   * Looks for the id in the skipped line; undefined if no line is skipped, or if it was reported.
   */
  #skipped: OversizedRequest | undefined;
  #isSkipping = false;
  #isBlank = true;

  constructor(options: { maxMessageBytes: number; onFrame: OnFrame }) {
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#onFrame = options.onFrame;
  }

  push(chunk: Buffer): void {
    for (const { bytes, endsLine } of linePieces(chunk)) {
      this.#extend(bytes);
      if (endsLine) this.#endLine();
    }
  }

  end(): void {
    this.#endLine();
  }

  #extend(part: Buffer): void {
    if (this.#isSkipping) {
      this.#look(part);
      return;
    }
    this.#isBlank &&= isBlank(part);
    // One byte more than the limit may still be the `\r` of the line's end.
    if (this.#line.length + part.length > this.#maxMessageBytes + 1) this.#skip(part);
    else this.#line.add(part);
  }

  #skip(part: Buffer): void {
    this.#isSkipping = true;
    this.#skipped = new OversizedRequest();
    this.#look(this.#line.take());
    this.#look(part);
  }

  #look(part: Buffer): void {
    const id = this.#skipped?.push(part);
    if (id !== undefined) this.#reportSkipped(id === "none" ? undefined : id);
  }

  #reportSkipped(id?: string): void {
    this.#skipped = undefined;
    this.#onFrame(tooLarge(this.#maxMessageBytes, id));
  }

  #endLine(): void {
    const wasBlank = this.#isBlank;
    this.#isBlank = true;
    if (this.#isSkipping) {
      this.#isSkipping = false;
      if (this.#skipped !== undefined) this.#reportSkipped();
      return;
    }
    let line = this.#line.take();
    if (line.at(-1) === carriageReturn) line = line.subarray(0, -1);
    if (line.length > this.#maxMessageBytes) {
      this.#skip(line);
      this.#endLine();
    } else if (!wasBlank) this.#onFrame(frameOf(line));
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === carriageReturn);
}
