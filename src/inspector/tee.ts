/**
 * Stands between a client and the server that it starts: bytes, signals and the exit code go through
 * as if nothing were between them (docs/inspecting.md).
 */
import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { startChild } from "../base/childStart.js";
import { type Clock, sleep } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { systemErrorCode } from "../base/systemError.js";
import { Passage, type Watcher } from "./passage.js";

/** How a server has ended. */
export interface TeeEnd {
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
}

/** What a tee needs of its process. */
export interface TeeIo {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  readonly clock: Pick<Clock, "after">;
  /** Whether a terminal sends its signals to the server itself. */
  readonly hasTerminal: boolean;
  /** Calls back at every signal that a program can be sent; call what is returned to stop. */
  onSignal(callback: (signal: NodeJS.Signals) => void): () => void;
}

/** The exit codes of a shell for a program that is not there, or that cannot be run. */
const notFound = 127;
const notRunnable = 126;
/** What a program that goes on in the background may still write after the server's end, in milliseconds. */
const lastBytesMs = 500;
/** A terminal sends these to the whole group of the foreground. */
const ofTerminal: ReadonlySet<string> = new Set(["SIGINT", "SIGQUIT", "SIGTSTP", "SIGWINCH"]);

/** Whether a server could be started; then how it has ended. */
export type TeeOutcome =
  | ({ readonly kind: "ended" } & TeeEnd)
  | { readonly kind: "failed"; readonly exitCode: number; readonly reason: string };

/**
 * Starts the server and passes everything on until it has ended. Never rejects because of the server,
 * the client or the watcher.
 *
 * @param onStart is called with its process number once it runs.
 */
export async function tee(
  command: readonly [string, ...string[]],
  io: TeeIo,
  watcher: Watcher,
  onStart: (pid: number) => void,
): Promise<TeeOutcome> {
  const { execa } = await import("execa");
  const [file, ...args] = command;
  const child = startChild(() =>
    execa(file, args, {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      buffer: false,
      reject: false,
      cleanup: false,
      stripFinalNewline: false,
    }),
  );
  if (child.pid === undefined) {
    const failure = await child;
    return failed(file, failure.cause ?? failure);
  }
  onStart(child.pid);
  const stop = io.onSignal((signal) => {
    if (!io.hasTerminal || !ofTerminal.has(signal)) child.kill(signal);
  });
  const end = await untilEnd(child as unknown as PipedChild, io, watcher);
  stop();
  return { kind: "ended", ...end };
}

type PipedChild = ChildProcess & {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
};

async function untilEnd(child: PipedChild, io: TeeIo, watcher: Watcher): Promise<TeeEnd> {
  const exited = new Promise<TeeEnd>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(defined({ code: code ?? undefined, signal: signal ?? undefined })),
    );
  });
  let lastBytes = 0;
  const seen: Watcher = {
    push(from, chunk) {
      lastBytes += 1;
      watcher.push(from, chunk);
    },
  };
  io.input.once("end", () => child.stdin.end());
  // A client that went away without closing its end: the server's input ends all the same.
  io.input.once("close", () => child.stdin.end());
  new Passage(io.input, child.stdin, "client", seen);
  const outputs = [
    new Passage(child.stdout, io.output, "server", seen),
    new Passage(child.stderr, io.errors, "stderr", seen),
  ];
  const end = await exited;
  const whole = Promise.all(outputs.map(({ done }) => done)).then(() => true);
  // Another program may hold the pipes open; what it writes is passed on while it comes.
  for (let before = -1; before !== lastBytes; ) {
    before = lastBytes;
    if (await Promise.race([whole, sleep(io.clock, lastBytesMs).then(() => false)])) break;
  }
  await Promise.all(outputs.map((passage) => passage.written()));
  io.input.destroy();
  return end;
}

function failed(file: string, error: unknown): TeeOutcome {
  const isMissing = systemErrorCode(error) === "ENOENT";
  return {
    kind: "failed",
    exitCode: isMissing ? notFound : notRunnable,
    reason: isMissing ? `there is no program ${file}` : `${file} cannot be run`,
  };
}
