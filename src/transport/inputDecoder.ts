/**
 * Decodes a whole input. With framing `auto` the first byte decides: `{` or `[` is `ndjson`,
 * anything else `header`. A byte-order mark and blanks before it are ignored.
 */
import type { FrameDecoder, Framing, OnFrame } from "./framing.js";
import { HeaderDecoder } from "./headerDecoder.js";
import { LineDecoder } from "./lineDecoder.js";

export interface InputDecoderOptions {
  framing: Framing | "auto";
  /** Longer messages are skipped and reported. */
  maxMessageBytes: number;
  onFrame: OnFrame;
  /** Called once, before the first frame, with the framing that the input has. */
  onFraming: (framing: Framing) => void;
}

const ignoredAtStart = new Set([0x20, 0x09, 0x0d, 0x0a, 0xef, 0xbb, 0xbf]);
const startsOfJson = new Set([0x7b, 0x5b]);

export class InputDecoder implements FrameDecoder {
  readonly #options: InputDecoderOptions;
  #decoder: FrameDecoder | undefined;

  constructor(options: InputDecoderOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): void {
    if (this.#decoder === undefined) this.#detect(chunk);
    else this.#decoder.push(chunk);
  }

  end(): void {
    this.#decoder?.end();
  }

  #detect(chunk: Buffer): void {
    const start = chunk.findIndex((byte) => !ignoredAtStart.has(byte));
    const first = chunk[start];
    if (first === undefined) return;
    this.#decoder = this.#begin(first);
    this.#decoder.push(chunk.subarray(start));
  }

  #begin(firstByte: number): FrameDecoder {
    const { framing: asked, maxMessageBytes, onFrame, onFraming } = this.#options;
    const detected = startsOfJson.has(firstByte) ? "ndjson" : "header";
    const framing = asked === "auto" ? detected : asked;
    onFraming(framing);
    const Decoder = framing === "ndjson" ? LineDecoder : HeaderDecoder;
    return new Decoder({ maxMessageBytes, onFrame });
  }
}
