/**
 * Writes log lines to stderr and never waits for its reader (protocol.md section 1). Lines that do
 * not fit into a bounded buffer are dropped and counted; when there is room again, one line tells
 * how many were lost. While the reader keeps up, lines are written at once, so that a process that
 * ends suddenly does not lose its last lines.
 */
import type { Writable } from "node:stream";
import { Deferred } from "../base/deferred.js";
import { RecentLines } from "./recentLines.js";

export interface LogSinkOptions {
  /** How many bytes may wait for the reader. */
  maxBytes?: number;
  /** Makes the line, with its newline, that tells how many lines were dropped. */
  formatDropped?: (count: number) => string;
}

const defaultMaxBytes = 1024 * 1024;

export class LogSink {
  /** What went to the log last: here, or to its file. */
  readonly recent = new RecentLines(Date.now);
  readonly #stream: Writable;
  /** The stream's own `write`, kept because the stdout guard may replace it. */
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
    // Nobody can be told about a broken stderr: lines are dropped and counted from now on.
    stream.on("error", () => this.#break());
    stream.on("close", () => this.#break());
  }

  /** How many lines were dropped since the beginning. */
  get droppedLines(): number {
    return this.#droppedLines;
  }

  /** Takes a line with its newline, or any other output. Never blocks, never throws. */
  write(line: string | Uint8Array): void {
    this.recent.add(line);
    const bytes = typeof line === "string" ? Buffer.from(line) : line;
    if (this.#isBroken || this.#unreadBytes + bytes.length > this.#maxBytes) {
      this.#untoldDrops++;
      this.#droppedLines++;
    } else {
      this.#pass(bytes);
    }
  }

  /** Resolves when everything was read, or when it never will be. This may take forever. */
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
