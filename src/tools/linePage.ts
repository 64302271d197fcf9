// The lines of a file that one call of `read` returns.
import type { FileHandle } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { type Line, LineSplitter } from "../base/lineSplitter.js";
import { cutText, formatCount } from "../base/text.js";
import { ToolFailure } from "./failure.js";

const lineFeed = 10;
const maxLineBytes = 2_000;
const maxOutputLength = 100_000;
const chunkBytes = 64 * 1024;

/** The lines of one result, numbered. */
export class LinePage {
  readonly #offset: number;
  readonly #limit: number;
  readonly #shown: string[] = [];
  #length = 0;
  #lines = 0;
  #hasMore = false;

  constructor(offset: number, limit: number) {
    this.#offset = offset;
    this.#limit = limit;
  }

  /** Takes the next lines, as many as it needs. */
  addAll(lines: readonly string[]): void {
    for (const text of lines) if (!this.add(lineOf(text))) return;
  }

  /** Takes the lines of a text that comes in pieces, as many as it needs. */
  async fill(chunks: AsyncIterable<Buffer>): Promise<void> {
    const splitter = new LineSplitter(maxLineBytes);
    /** Whether the text ends in a line that is not wanted and has no end. */
    let hasBegun = false;
    for await (const chunk of chunks) {
      const from = this.#skip(chunk);
      const isSkipping = this.#isSkipping;
      hasBegun = isSkipping && from < chunk.length;
      if (isSkipping) continue;
      for (const line of splitter.push(chunk.subarray(from))) if (!this.add(line)) return;
    }
    if (hasBegun) this.#lines++;
    for (const line of splitter.end()) if (!this.add(line)) return;
  }

  get #isSkipping(): boolean {
    return this.#lines + 1 < this.#offset;
  }

  /** Counts lines before the first wanted one, of which there may be millions; tells where it stopped. */
  #skip(chunk: Buffer): number {
    let from = 0;
    for (let at = 0; at < chunk.length && this.#isSkipping; at++) {
      if (chunk[at] !== lineFeed) continue;
      this.#lines++;
      from = at + 1;
    }
    return from;
  }

  /** Takes the file's next line; returns false when it needs no more lines. */
  add(line: Line): boolean {
    this.#lines++;
    if (this.#lines < this.#offset) return true;
    if (this.#shown.length >= this.#limit || this.#length > maxOutputLength) {
      this.#hasMore = true;
      return false;
    }
    const text = this.#lines === 1 ? line.text.replace(/^\uFEFF/, "") : line.text;
    const note =
      line.omittedBytes > 0 ? ` [… ${formatCount(line.omittedBytes)} more bytes in this line]` : "";
    const numbered = `${String(this.#lines).padStart(6)}\t${text}${note}`;
    this.#shown.push(numbered);
    this.#length += numbered.length + 1;
    return true;
  }

  /**
   * @throws ToolFailure if the offset is after the file's end.
   */
  render(): string {
    if (this.#lines === 0) return "(The file is empty.)";
    if (this.#shown.length === 0) {
      throw new ToolFailure(
        `\`offset\` ${this.#offset} is past the end: the file has ${this.#lines} lines.`,
      );
    }
    const last = this.#offset + this.#shown.length - 1;
    const more = `\n\n[Lines ${this.#offset} to ${last}; there are more: go on with offset ${last + 1}.]`;
    return this.#shown.join("\n") + (this.#hasMore ? more : "");
  }
}

function lineOf(text: string): Line {
  const kept = cutText(text, maxLineBytes);
  return { text: kept, omittedBytes: Buffer.byteLength(text.slice(kept.length)) };
}

/** The pieces of an open file. Each is in the same memory as the one before. */
export async function* chunksOf(handle: FileHandle, signal: AbortSignal): AsyncGenerator<Buffer> {
  const chunk = Buffer.alloc(chunkBytes);
  for (let position = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** The pieces of a text. Other work gets its turn between them. */
export async function* piecesOf(bytes: Buffer, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += chunkBytes) {
    if (from > 0) await setImmediate();
    signal.throwIfAborted();
    yield bytes.subarray(from, from + chunkBytes);
  }
}
