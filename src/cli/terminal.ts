/** The terminal that the process belongs to, also where stdin is a pipe. */
import { closeSync, constants, openSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { ReadStream, WriteStream } from "node:tty";
import { sleep, systemClock } from "../base/clock.js";

/** Where a person is asked. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable & { readonly rows?: number; readonly columns?: number };
  /**
   * Throws away what was typed before now, the beginning of a line too. Resolves with false where that
   * was an interrupt (Ctrl-C).
   */
  discardTyped(): Promise<boolean>;
  close(): void;
}

/** How long nothing more must come for what was typed to be gone, in milliseconds. */
const quietMs = 40;
const interruptKey = 3;

/** Opens it; undefined where the process has none. */
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
    // Whatever the reason, nobody can be asked there.
    for (const fd of opened) closeSync(fd);
    return undefined;
  }
}

function terminalOf(input: ReadStream, output: WriteStream): Terminal {
  // A terminal that is closed under the program is one on which nobody answers.
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
  // Only so does the beginning of a line come out, which the terminal still keeps to itself.
  input.setRawMode(true);
  input.on("data", onData);
  // It was paused, and a listener alone does not make it read again.
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
