/** The terminal of the process, also if stdin is a pipe. */
import { closeSync, constants, openSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { ReadStream, WriteStream } from "node:tty";
import { sleep, systemClock } from "../base/clock.js";

/** The terminal on which a person is asked. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable & { readonly rows?: number; readonly columns?: number };
  /**
   * Discards everything that was typed before now, also the beginning of a line. Resolves with
   * false if it contained an interrupt (Ctrl-C).
   */
  discardTyped(): Promise<boolean>;
  close(): void;
}

/**
 * After this many milliseconds without a character, everything that was typed counts as discarded.
 */
const quietMs = 40;
const interruptKey = 3;

/** Opens the terminal; undefined if the process has none. */
export function openTerminal(platform: NodeJS.Platform): Terminal | undefined {
  const [from, to] =
    platform === "win32" ? ["\\\\.\\CONIN$", "\\\\.\\CONOUT$"] : ["/dev/tty", "/dev/tty"];
  const opened: number[] = [];
  try {
    const isWindows = platform === "win32";
    opened.push(openSync(from, isWindows ? constants.O_RDWR : constants.O_RDONLY));
    opened.push(openSync(to, isWindows ? constants.O_RDWR : constants.O_WRONLY));
    const [inputFd = -1, outputFd = -1] = opened;
    return terminalOf(new ReadStream(inputFd), new WriteStream(outputFd));
  } catch {
    // For every such error, nobody can be asked there.
    for (const fd of opened) closeSync(fd);
    return undefined;
  }
}

function terminalOf(input: ReadStream, output: WriteStream): Terminal {
  // If the terminal is closed while the program runs, nobody answers.
  for (const stream of [input, output]) stream.on("error", () => stream.destroy());
  input.pause();
  return {
    input,
    output,
    discardTyped: () => discardTyped(input),
    close() {
      input.destroy();
      output.destroy();
    },
  };
}

async function discardTyped(input: ReadStream): Promise<boolean> {
  let last = systemClock.now();
  let isInterrupt = false;
  const onData = (bytes: Buffer) => {
    last = systemClock.now();
    if (bytes.includes(interruptKey)) isInterrupt = true;
  };
  // Only raw mode releases the beginning of a line, which the terminal still holds.
  input.setRawMode(true);
  input.on("data", onData);
  // The stream was paused, and adding a listener does not resume it.
  input.resume();
  try {
    const { signal } = new AbortController();
    while (systemClock.now() - last < quietMs && !isInterrupt && !input.destroyed) {
      await sleep(systemClock, quietMs, signal);
    }
  } finally {
    input.off("data", onData);
    input.pause();
    if (!input.destroyed) input.setRawMode(false);
  }
  return !isInterrupt;
}
