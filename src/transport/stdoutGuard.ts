/**
 * Keeps stdout for frames (protocol.md section 1). Once it is claimed, everything else that this
 * process writes to it (by `process.stdout`, `console`, or `fs` on file descriptor 1) goes to
 * stderr, through the log sink, which never blocks. A child that would inherit stdout gets stderr
 * too.
 *
 * Claim it before anything else is loaded: code that got `fs.writeSync` by `require` earlier cannot
 * be redirected.
 */
import { Writable } from "node:stream";
import { redirectChildren } from "./childGuard.js";
import { divertWrites } from "./divertWrites.js";
import { redirectFileDescriptor } from "./fileDescriptorGuard.js";
import type { LogSink } from "./logSink.js";

export interface ClaimedStdout {
  /** Takes the frames. It closes when stdout fails; ending it leaves stdout open. */
  readonly output: Writable;
  /** Restores stdout. */
  restore(): void;
}

const stdoutDescriptor = 1;
const stderrDescriptor = 2;

/** Claims `stdout` (`process.stdout`). Everything else that is written to it goes to `strays`. */
export function claimStdout(stdout: Writable, strays: LogSink): ClaimedStdout {
  const output = new FrameOutput(stdout);
  const undo = [
    divertWrites(stdout, strays),
    redirectFileDescriptor(stdoutDescriptor, strays),
    redirectChildren({ from: stdoutDescriptor, to: stderrDescriptor }),
  ];
  return {
    output,
    restore() {
      for (const step of undo.splice(0).reverse()) step();
    },
  };
}

/** Writes to a stream with the methods that it had at this time. */
class FrameOutput extends Writable {
  readonly #stdout: Writable;
  readonly #writeThrough: Writable["write"];

  constructor(stdout: Writable) {
    super({ decodeStrings: false });
    this.#stdout = stdout;
    this.#writeThrough = stdout.write;
    stdout.on("error", (error) => this.destroy(error));
    stdout.on("close", () => this.destroy());
  }

  override _write(
    chunk: string | Buffer,
    encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    // Buffers come with the encoding "buffer", which no string has.
    const textEncoding = typeof chunk === "string" ? encoding : "utf8";
    this.#writeThrough.call(this.#stdout, chunk, textEncoding, done);
  }
}
