/**
 * Writes log lines to stderr and never waits for its reader (protocol.md section 1): what does not fit
 * into a bounded buffer is dropped and counted, and when there is room again one line tells how
 * many were lost. It writes straight through while the reader keeps up, so that the last words of a
 * process that ends at once are not lost.
 */
import type { Writable } from "node:stream";
import { Deferred } from "../base/deferred.js";

export interface LogSinkOptions {
  /** What may lie unread, in bytes. */
  maxBytes?: number;
  /** The line, with its newline, that tells how many lines were dropped. */
  formatDropped?: (count: number) => string;
}

const defaultMaxBytes = 1024 * 1024;

export class LogSink {
  readonly #stream: Writable;
  /** The stream's own `write`, kept because the stdout guard may put another in its place. */
  readonly #write: Writable["write"];
  readonly #maxBytes: number;
  readonly #formatDropped: (count: number) => string;
  readonly #flushes: Deferred<void>[] = [];
  #unreadBytes = 0;
  #untoldDrops = 0;
  #droppedLines = 0;
  #isBroken = false;

  constructor(stream: Writable, options: LogSinkOptions = {}) {
    this.#stream = stream;
    this.#write = stream.write;
    this.#maxBytes = options.maxBytes ?? defaultMaxBytes;
    this.#formatDropped =
      options.formatDropped ??
      ((count) => `turnwire: ${count} log lines were dropped, stderr was not read\n`);
    // Nobody is left to tell of a broken stderr: lines are dropped and counted from here on.
    stream.on("error", () => this.#break());
    stream.on("close", () => this.#break());
  }

  /** How many lines were dropped since the beginning. */
  get droppedLines(): number {
    return this.#droppedLines;
  }

  /** Takes a line with its newline, or any other output. Never blocks, never throws. */
  write(line: string | Uint8Array): void {
    const bytes = typeof line === "string" ? Buffer.from(line) : line;
    if (this.#isBroken || this.#unreadBytes + bytes.length > this.#maxBytes) {
      this.#untoldDrops++;
      this.#droppedLines++;
    } else {
      this.#pass(bytes);
    }
  }

  /** Resolves when all that was taken has been read, or never will be. May take for ever. */
  flushed(): Promise<void> {
    if (this.#unreadBytes === 0) return Promise.resolve();
    const flush = new Deferred<void>();
    this.#flushes.push(flush);
    return flush.promise;
  }

  #pass(bytes: Uint8Array): void {
    this.#unreadBytes += bytes.length;
    this.#write.call(this.#stream, bytes, "utf8", () => this.#afterRead(bytes.length));
  }

  #afterRead(count: number): void {
    this.#unreadBytes -= count;
    if (this.#untoldDrops > 0 && !this.#isBroken && this.#unreadBytes <= this.#maxBytes / 2) {
      const note = Buffer.from(this.#formatDropped(this.#untoldDrops));
      this.#untoldDrops = 0;
      this.#pass(note);
    }
    if (this.#unreadBytes === 0) this.#settleFlushes();
  }

  #break(): void {
    this.#isBroken = true;
    this.#settleFlushes();
  }

  #settleFlushes(): void {
    for (const flush of this.#flushes.splice(0)) flush.resolve();
  }
}
