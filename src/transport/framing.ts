/**
 * What the framings have in common (protocol.md section 1): a stream of bytes becomes frames. A
 * frame is the text of one message or the report of a bad one. Decoders keep chunks in lists and
 * join them once. So the time for a message is in proportion to its length, in however many chunks
 * it arrives.
 */
import { isUtf8 } from "node:buffer";
import { defined } from "../base/defined.js";
import { steppedJsonBytes } from "../base/steppedJson.js";

/** How messages are separated: by `Content-Length` headers as in LSP, or one message per line. */
export type Framing = "header" | "ndjson";

/** The text of one message, or why the bytes are none. */
export type Frame = { readonly kind: "text"; readonly text: string } | BadFrame;

/** Why bytes are no message. */
export interface BadFrame {
  readonly kind: "bad";
  readonly name: "ParseError" | "MessageTooLarge";
  readonly reason: string;
  /** The JSON text of the request's id, if it is known. */
  readonly id?: string;
}

/** A message that is read in steps: its bytes, which are valid UTF-8. */
export interface LargeFrame {
  readonly kind: "large";
  readonly bytes: Buffer;
}

/** Takes bytes as they arrive and reports frames in their order. */
export interface FrameDecoder {
  push(chunk: Buffer): void;
  /** Tells that the input has ended. Reports an unfinished message. */
  end(): void;
}

/** Receives the frames of a {@link FrameDecoder}. */
export type OnFrame = (frame: Frame | LargeFrame) => void;

/** One message as it goes over the wire. `json` must not contain a raw newline. */
export function encodeFrame(framing: Framing, json: string): string {
  if (framing === "ndjson") return `${json}\n`;
  return `Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`;
}

const byteOrderMark = Buffer.from("\uFEFF");

/** The frame made of these bytes, or a parse error if they are not UTF-8. */
export function frameOf(bytes: Buffer): Frame | LargeFrame {
  if (!isUtf8(bytes)) return { kind: "bad", name: "ParseError", reason: "not UTF-8" };
  const isMarked = bytes.subarray(0, byteOrderMark.length).equals(byteOrderMark);
  const content = isMarked ? bytes.subarray(byteOrderMark.length) : bytes;
  if (content.length > steppedJsonBytes) return { kind: "large", bytes: content };
  return { kind: "text", text: content.toString("utf8") };
}

/** The frame with all of its text, for those that do not mind how long that takes. */
export function wholeFrame(frame: Frame | LargeFrame): Frame {
  return frame.kind === "large" ? { kind: "text", text: frame.bytes.toString("utf8") } : frame;
}

/** The report of a message that is over the limit; `id` is the JSON text of its id, if it has one. */
export function tooLarge(maxMessageBytes: number, id?: string): Frame {
  return {
    kind: "bad",
    name: "MessageTooLarge",
    reason: `a message may have ${maxMessageBytes} bytes at most`,
    ...defined({ id }),
  };
}

/** Chunks that belong together, joined once when all are there. */
export class ChunkList {
  #chunks: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** All bytes in one piece; the list is empty afterwards. */
  take(): Buffer {
    const [first, second] = this.#chunks;
    const bytes =
      first !== undefined && second === undefined
        ? first
        : Buffer.concat(this.#chunks, this.#length);
    this.clear();
    return bytes;
  }

  clear(): void {
    this.#chunks = [];
    this.#length = 0;
  }
}
