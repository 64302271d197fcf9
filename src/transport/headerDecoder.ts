/**
 * The `header` framing: `Content-Length: N`, a blank line, N bytes of body. Header names may be in
 * any case, other headers are ignored, and `\n` is accepted for `\r\n`. If there are several
 * lengths, the last usable one counts.
 *
 * A block that is no header block (no usable length, a line without a header's name, over 16 KiB)
 * is reported once. Reading goes on after the next line that ends with `Content-Length: N`, also in
 * the middle of a line. So a good frame after a bad one is found, even if the body of the bad one
 * lies between them. A body over the limit is skipped without being stored. It is reported once, as
 * soon as it is known whether it is a request, and with which id.
 */
import { ChunkList, type FrameDecoder, frameOf, type OnFrame, tooLarge } from "./framing.js";
import { OversizedRequest } from "./oversizedRequest.js";

const newline = 0x0a;
const maxBlockBytes = 16 * 1024;
const headerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:(.*)$/;
const lengthAnywhere = /content-length:[ \t]{0,16}(\d{1,16})[ \t]{0,16}\r?\n/i;
/** More bytes than {@link lengthAnywhere} can match, so that a match across two chunks is found. */
const longestLength = 72;
/** Bytes searched at a time, so that little is searched twice when there is much to find. */
const searchStep = 4 * 1024;

export class HeaderDecoder implements FrameDecoder {
  readonly #maxMessageBytes: number;
  readonly #onFrame: OnFrame;
  readonly #body = new ChunkList();
  #state: "headers" | "body" | "skip" | "resync" = "headers";
  /**
   * The state of the header block: its unfinished line, its bytes so far, and the length so far.
   */
  #partialLine = "";
  #blockBytes = 0;
  #contentLength: number | undefined;
  /** A length inside a line: the text before it is the rest of a longer body. */
  #strayLength: number | undefined;
  /**
   * Looks for the id in the skipped body; undefined if no body is skipped, or if it was reported.
   */
  #skipped: OversizedRequest | undefined;
  /** Bytes of the body that are still to come. */
  #missing = 0;
  /** The end of the bytes that were searched for a length without success. */
  #searched = "";

  constructor(options: { maxMessageBytes: number; onFrame: OnFrame }) {
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#onFrame = options.onFrame;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = rest.subarray(this.#consume(rest));
  }

  end(): void {
    const isUnfinished =
      this.#state === "body" ||
      this.#contentLength !== undefined ||
      this.#partialLine.trim() !== "";
    this.#startBlock();
    this.#body.clear();
    if (this.#skipped !== undefined) this.#reportSkipped();
    else if (isUnfinished) this.#reportBad("the input ended inside a message");
  }

  /** Takes at least one byte of `bytes` and returns how many. */
  #consume(bytes: Buffer): number {
    switch (this.#state) {
      case "headers":
        return this.#readLine(bytes);
      case "body":
        return this.#readBody(bytes);
      case "skip":
        return this.#skipBody(bytes);
      case "resync":
        return this.#search(bytes.toString("latin1", 0, searchStep));
    }
  }

  #readLine(bytes: Buffer): number {
    const end = bytes.subarray(0, maxBlockBytes).indexOf(newline);
    const used = end === -1 ? Math.min(bytes.length, maxBlockBytes) : end + 1;
    this.#partialLine += bytes.toString("latin1", 0, end === -1 ? used : end);
    this.#blockBytes += used;
    if (end !== -1) this.#endLine();
    else if (this.#blockBytes >= maxBlockBytes) {
      this.#abandonBlock("a header block may have 16 KiB at most", this.#partialLine);
    }
    return used;
  }

  #endLine(): void {
    const line = this.#partialLine.endsWith("\r")
      ? this.#partialLine.slice(0, -1)
      : this.#partialLine;
    this.#partialLine = "";
    if (line === "") {
      this.#endBlock();
      return;
    }
    const [, name, value = ""] = headerLine.exec(line) ?? [];
    if (name === undefined) {
      this.#abandonBlock("a header line without a name", `${line}\n`);
      return;
    }
    const isLength = name.toLowerCase() === "content-length";
    const length = isLength ? usableLength(value.trim()) : undefined;
    if (length !== undefined) this.#contentLength = length;
    else this.#strayLength = lengthIn(`${line}\n`)?.length ?? this.#strayLength;
    if (this.#blockBytes >= maxBlockBytes) {
      this.#abandonBlock("a header block may have 16 KiB at most", "");
    }
  }

  #endBlock(): void {
    const length = this.#contentLength;
    // Blank lines between frames are ignored; the longest block without a line is `\r\n`.
    if (length === undefined && this.#blockBytes <= 2) {
      this.#startBlock();
      return;
    }
    if (length !== undefined) {
      this.#startBody(length);
      return;
    }
    const strayLength = this.#strayLength;
    this.#abandonBlock("no usable Content-Length", "");
    if (strayLength !== undefined) this.#startBody(strayLength);
  }

  #startBody(length: number): void {
    this.#startBlock();
    this.#missing = length;
    if (length > this.#maxMessageBytes) {
      this.#state = "skip";
      this.#skipped = new OversizedRequest();
    } else if (length > 0) {
      this.#state = "body";
    } else {
      this.#reportBad("an empty body");
    }
  }

  #startBlock(): void {
    this.#state = "headers";
    this.#partialLine = "";
    this.#blockBytes = 0;
    this.#contentLength = undefined;
    this.#strayLength = undefined;
  }

  #readBody(bytes: Buffer): number {
    const part = bytes.subarray(0, this.#missing);
    this.#body.add(part);
    this.#missing -= part.length;
    if (this.#missing === 0) {
      this.#startBlock();
      this.#onFrame(frameOf(this.#body.take()));
    }
    return part.length;
  }

  #skipBody(bytes: Buffer): number {
    const skipped = Math.min(bytes.length, this.#missing);
    this.#missing -= skipped;
    const id = this.#skipped?.push(bytes.subarray(0, skipped));
    if (id !== undefined) this.#reportSkipped(id === "none" ? undefined : id);
    if (this.#missing > 0) return skipped;
    if (this.#skipped !== undefined) this.#reportSkipped();
    this.#startBlock();
    return skipped;
  }

  #reportSkipped(id?: string): void {
    this.#skipped = undefined;
    this.#onFrame(tooLarge(this.#maxMessageBytes, id));
  }

  /** Reports the block and looks for the next length, first in `unread`, the end of the block. */
  #abandonBlock(reason: string, unread: string): void {
    this.#startBlock();
    this.#state = "resync";
    this.#searched = "";
    this.#reportBad(reason);
    this.#search(unread);
  }

  /**
   * Goes on with a block that begins with the length found in `text`; returns how much was used.
   */
  #search(text: string): number {
    const searched = this.#searched + text;
    const found = lengthIn(searched);
    if (found === undefined) {
      this.#searched = searched.slice(-longestLength);
      return text.length;
    }
    const used = found.end - this.#searched.length;
    this.#searched = "";
    this.#startBlock();
    this.#contentLength = found.length;
    this.#blockBytes = longestLength;
    return used;
  }

  #reportBad(reason: string): void {
    this.#onFrame({ kind: "bad", name: "ParseError", reason });
  }
}

/** The first `Content-Length: N` line end in `text`, and where it ends. */
function lengthIn(text: string): { length: number; end: number } | undefined {
  const found = lengthAnywhere.exec(text);
  const length = usableLength(found?.[1] ?? "");
  if (found === null || length === undefined) return undefined;
  return { length, end: found.index + found[0].length };
}

function usableLength(digits: string): number | undefined {
  const length = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
  return Number.isSafeInteger(length) ? length : undefined;
}
