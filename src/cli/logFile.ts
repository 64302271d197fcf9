// The log in a file (docs/operating.md), which is begun anew when it is large or a day old. The code is
// loaded with the first line that goes there.
import { createWriteStream, existsSync, renameSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Writable } from "node:stream";
import { createStream } from "rotating-file-stream";
import type { LogSink } from "../transport/logSink.js";
import type { LineTarget } from "./lineTarget.js";

/** When a file is put aside, and how many of them stay beside it (`FILE.1` is the newest). */
const rotation = { size: "10M", interval: "1d", rotate: 5 } as const;
/** Nobody else may read what is in it. */
const mode = 0o600;
/** How long a file that failed is left alone, in milliseconds. */
const restMs = 60_000;
/** How many bytes may wait for a slow disk. */
const mostWaiting = 1024 * 1024;

/** A log file. A disk that is full or slow, or a path that cannot be written, ends nothing. */
export class LogFile implements LineTarget {
  readonly #path: string;
  readonly #sink: LogSink;
  readonly #now: () => number;
  #stream: Writable | undefined;
  #restsUntil = 0;
  #dropped = 0;

  /** Lines that the file cannot take go to the sink. */
  constructor(path: string, sink: LogSink, now: () => number = Date.now) {
    this.#path = path;
    this.#sink = sink;
    this.#now = now;
  }

  write(line: string): void {
    const stream = this.#open();
    if (stream === undefined) {
      this.#sink.write(line);
      return;
    }
    this.#sink.recent.add(line);
    if (stream.writableLength > mostWaiting) {
      this.#dropped++;
    } else {
      if (this.#dropped > 0) stream.write(`${this.#droppedLine()}\n`);
      // A line that the file did not take is not lost. What was behind it may be in both places.
      stream.write(line, (error) => {
        if (error) this.#sink.write(line);
      });
    }
  }

  /** Opens the path again: somebody may have moved the file. What waits is written to the old one. */
  reopen(): void {
    this.#stream?.end();
    this.#stream = undefined;
    this.#restsUntil = 0;
  }

  async flushed(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined) {
      await new Promise<void>((resolve) => {
        stream.once("close", resolve);
        stream.end(resolve);
      });
    }
    await this.#sink.flushed();
  }

  #open(): Writable | undefined {
    if (this.#stream !== undefined || this.#now() < this.#restsUntil) return this.#stream;
    try {
      const stream = this.#streamOf();
      stream.on("error", (error) => this.#failed(error, stream));
      this.#stream = stream;
    } catch (error) {
      this.#failed(error as Error);
    }
    return this.#stream;
  }

  #streamOf(): Writable {
    const path = dirname(this.#path);
    // The library would make the folder, also that of a mistyped path.
    statSync(path);
    const known = statSync(this.#path, { throwIfNoEntry: false });
    // A pipe or a device is written to as it is.
    if (known?.isFile() === false) return createWriteStream(this.#path, { flags: "a", mode });
    // The library looks at the day only of a file that is open at midnight.
    const today = new Date(this.#now()).setHours(0, 0, 0, 0);
    if (known !== undefined && known.mtimeMs < today) this.#putAside();
    return createStream(basename(this.#path), { path, mode, ...rotation });
  }

  #putAside(): void {
    for (let index: number = rotation.rotate; index > 0; index--) {
      const from = index === 1 ? this.#path : `${this.#path}.${index - 1}`;
      if (existsSync(from)) renameSync(from, `${this.#path}.${index}`);
    }
  }

  #failed({ message }: Error, stream?: Writable): void {
    if (stream !== undefined && stream !== this.#stream) return;
    this.#stream = undefined;
    this.#restsUntil = this.#now() + restMs;
    this.#sink.write(`turnwire: the log file failed: ${message}\n`);
  }

  #droppedLine(): string {
    const line = {
      level: 40,
      lines: this.#dropped,
      msg: "log lines were dropped: the disk is slow",
    };
    this.#dropped = 0;
    return JSON.stringify({ ...line, time: new Date(this.#now()).toISOString() });
  }
}
