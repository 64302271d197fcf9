/** Turns the bytes of one pipe, in both directions, into entries. Secrets are replaced on the way. */
import { defined } from "../base/defined.js";
import { LineSplitter } from "../base/lineSplitter.js";
import { type Frame, wholeFrame } from "../transport/framing.js";
import { InputDecoder } from "../transport/inputDecoder.js";
import { DeltaRedaction } from "./deltaRedaction.js";
import type { Entry, Side } from "./entries.js";
import { hiddenText, hideContents } from "./hiddenContents.js";
import type { MessageCheck } from "./messageCheck.js";
import { cutNesting } from "./nesting.js";
import type { Redaction } from "./redaction.js";

/** Of a longer message, which is passed on like every other, only that it came is recorded. */
const mostMessageBytes = 16 * 1024 * 1024;
/** What is kept of bytes that are no message, in UTF-16 units. */
const mostBrokenText = 2_000;
const mostStderrLine = 8 * 1024;

/** What a recorder needs. */
export interface PipeRecorderOptions {
  readonly redaction: Redaction;
  readonly check: MessageCheck;
  readonly hidesContents: boolean;
  onEntry(entry: Entry): void;
}

/** Records one pipe. */
export class PipeRecorder {
  readonly #options: PipeRecorderOptions;
  readonly #directions: Record<Side, Direction>;
  readonly #deltas: DeltaRedaction;
  #stderr = new LineSplitter(mostStderrLine);

  constructor(options: PipeRecorderOptions) {
    this.#options = options;
    this.#deltas = new DeltaRedaction(options.redaction);
    this.#directions = {
      client: new Direction((frame, at, bytes) => this.#frame("client", frame, at, bytes)),
      server: new Direction((frame, at, bytes) => this.#frame("server", frame, at, bytes)),
    };
  }

  /** Takes what one side has sent. */
  push(from: Side, bytes: Buffer, at: number): void {
    this.#directions[from].push(bytes, at);
  }

  /** Takes a frame that somebody else has cut. */
  pushFrame(from: Side, frame: Frame, at: number): void {
    this.#frame(from, frame, at, 0);
  }

  /** Bytes were passed on that were not kept for {@link push}. */
  skip(from: Side, bytes: number, at: number): void {
    this.#directions[from].skip();
    this.#options.onEntry({ kind: "gap", at, from, bytes });
  }

  /** Takes what the server has written to stderr. */
  pushStderr(bytes: Uint8Array, at: number): void {
    for (const { text } of this.#stderr.push(bytes)) this.#line(text, at);
  }

  /** Both sides have ended: what is unfinished is told. */
  end(at: number): void {
    for (const side of ["client", "server"] as const) this.#directions[side].end(at);
    for (const { text } of this.#stderr.end()) this.#line(text, at);
    this.#stderr = new LineSplitter(mostStderrLine);
  }

  #line(text: string, at: number): void {
    const { redaction, hidesContents, onEntry } = this.#options;
    onEntry({ kind: "stderr", at, text: hidesContents ? hiddenText(text) : redaction.line(text) });
  }

  #frame(from: Side, frame: Frame, at: number, bytes: number): void {
    if (frame.kind === "bad") {
      this.#options.onEntry({ kind: "broken", at, from, bytes, invalid: frame.reason });
      return;
    }
    let message: unknown;
    try {
      message = JSON.parse(frame.text);
    } catch {
      this.#broken(from, frame.text, at);
      return;
    }
    message = cutNesting(message);
    const size = Buffer.byteLength(frame.text);
    // A batch is several messages, and each of them may be wrong by itself.
    const batch = Array.isArray(message) && message.length > 0 ? message : undefined;
    if (batch === undefined) this.#message(from, message, at, size);
    for (const one of batch ?? [])
      this.#message(from, one, at, Math.round(size / (batch?.length ?? 1)));
  }

  #message(from: Side, message: unknown, at: number, bytes: number): void {
    const { redaction, check, hidesContents, onEntry } = this.#options;
    const reason = check.check(from, message);
    const invalid = reason && redaction.text(reason);
    const clean = redaction.message(this.#deltas.message(message));
    const shown = hidesContents ? hideContents(clean) : clean;
    onEntry({ kind: "message", at, from, bytes, message: shown, ...defined({ invalid }) });
  }

  #broken(from: Side, text: string, at: number): void {
    const { redaction, hidesContents, onEntry } = this.#options;
    const clean = hidesContents ? hiddenText(text) : redaction.text(text).slice(0, mostBrokenText);
    const bytes = Buffer.byteLength(text);
    onEntry({ kind: "broken", at, from, bytes, invalid: "JSON: it cannot be parsed", text: clean });
  }
}

type OnFrame = (frame: Frame, at: number, bytes: number) => void;

/** The bytes of one direction. */
class Direction {
  readonly #onFrame: OnFrame;
  #decoder: InputDecoder;
  #framing: "header" | "ndjson" | undefined;
  #at = 0;
  /** The bytes since the last frame. */
  #bytes = 0;
  /** After bytes that were not kept: the rest of their message is no message of its own. */
  #isLost = false;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
    this.#decoder = this.#newDecoder("auto");
  }

  push(bytes: Buffer, at: number): void {
    this.#at = at;
    this.#bytes += bytes.length;
    const rest = this.#isLost ? this.#afterLoss(bytes) : bytes;
    if (rest.length > 0) this.#decoder.push(rest);
  }

  skip(): void {
    this.#isLost = this.#framing !== undefined;
    this.#decoder = this.#newDecoder(this.#framing ?? "auto");
    this.#bytes = 0;
  }

  end(at: number): void {
    this.#at = at;
    if (!this.#isLost) this.#decoder.end();
  }

  /** What follows the message that was lost; a frame of `header` is looked for by its length. */
  #afterLoss(bytes: Buffer): Buffer {
    const mark = this.#framing === "ndjson" ? "\n" : "Content-Length:";
    const found = bytes.indexOf(mark);
    if (found === -1) return Buffer.alloc(0);
    this.#isLost = false;
    return bytes.subarray(this.#framing === "ndjson" ? found + 1 : found);
  }

  #newDecoder(framing: "auto" | "header" | "ndjson"): InputDecoder {
    return new InputDecoder({
      framing,
      maxMessageBytes: mostMessageBytes,
      onFraming: (found) => {
        this.#framing = found;
      },
      onFrame: (frame) => {
        this.#onFrame(wholeFrame(frame), this.#at, this.#bytes);
        this.#bytes = 0;
      },
    });
  }
}
