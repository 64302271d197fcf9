/**
 * Prepares the process's standard streams for a server over stdio (protocol.md section 1). Only
 * frames go to stdout. A client that reads neither stdout nor stderr never blocks the event loop.
 * Works for pipes, sockets, terminals, files and the null device.
 */
import type { Readable, Writable } from "node:stream";
import { divertWrites } from "./divertWrites.js";
import { LogSink, type LogSinkOptions } from "./logSink.js";
import { claimStdout } from "./stdoutGuard.js";

/** The part of `process` that is needed. */
export interface StandardStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export interface Stdio {
  readonly input: Readable;
  /** The only way for frames to stdout. Errors such as EPIPE are its events. */
  readonly output: Writable;
  /** Takes the log, and everything that other code tried to write to stdout. */
  readonly logSink: LogSink;
  /** Gives the streams back, for tests. */
  restore(): void;
}

/** Takes the streams over. To be called before anything else is loaded. */
export function openStdio(streams: StandardStreams, options: LogSinkOptions = {}): Stdio {
  makeNonBlocking(streams.stdout);
  makeNonBlocking(streams.stderr);
  const logSink = new LogSink(streams.stderr, options);
  // A dependency that writes to stderr itself must not fill the memory when nobody reads it.
  const giveStderrBack = divertWrites(streams.stderr, logSink);
  const { output, restore } = claimStdout(streams.stdout, logSink);
  return {
    input: streams.stdin,
    output,
    logSink,
    restore() {
      restore();
      giveStderrBack();
    },
  };
}

/**
 * Makes writing to a standard stream never block the event loop. Measured: Node writes to pipes and
 * sockets asynchronously on POSIX. It writes synchronously to a terminal (one that is not read stops
 * the process) and, on Windows, to pipes. libuv can be told otherwise, but Node has no public way to
 * do so. So this asks the stream's handle, and leaves a stream without one (a file) as it is.
 */
function makeNonBlocking(stream: Writable): void {
  const handle: unknown = Reflect.get(stream, "_handle");
  if (typeof handle !== "object" || handle === null) return;
  const setBlocking: unknown = Reflect.get(handle, "setBlocking");
  if (typeof setBlocking === "function") Reflect.apply(setBlocking, handle, [false]);
}
