/**
 * Keeps stdout for frames (protocol.md section 1). Once claimed, whatever else in this process writes
 * to it (`process.stdout`, `console`, `fs` on file descriptor 1) or starts a child that would
 * inherit it goes to stderr, through the log sink, which never blocks.
 *
 * Claim it before anything else is loaded: code that took hold of `fs.writeSync` by `require`
 * earlier is beyond reach.
 */
import { Writable } from "node:stream";
import { redirectChildren } from "./childGuard.js";
import { divertWrites } from "./divertWrites.js";
import { redirectFileDescriptor } from "./fileDescriptorGuard.js";
import type { LogSink } from "./logSink.js";

export interface ClaimedStdout {
  /** Takes the frames. It closes when stdout fails; ending it leaves stdout open. */
  readonly output: Writable;
  /** Gives stdout back as it was. */
  restore(): void;
}

const stdoutDescriptor = 1;
const stderrDescriptor = 2;

/** Claims `stdout` (`process.stdout`); strays go to `strays`. */
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

/** Writes to a stream by the methods that it had when this was made. */
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
    // Buffers come with the encoding "buffer", which is none that a string could have.
    const textEncoding = typeof chunk === "string" ? encoding : "utf8";
    this.#writeThrough.call(this.#stdout, chunk, textEncoding, done);
  }
}
