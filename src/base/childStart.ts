// Starts a child process. A failure of the child or of its start never ends this process.
import { channel } from "node:diagnostics_channel";
import { explainSystemError } from "./systemError.js";

/** The operating system did not start a program; the message says why, in words. */
export class ChildNotStarted extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ChildNotStarted";
  }
}

/** The message of Node's diagnostics channel about a new child, sent before it starts. */
interface NewChild {
  readonly pid?: number;
  on(event: "error", listener: () => void): unknown;
}

const children = channel("child_process");

/**
 * Runs `start`, which starts one child process with some library, and returns its result.
 *
 * When this process has no file descriptor left, Node gives back a child without streams and emits
 * `error` on it a moment later. A library that reaches for the streams has failed by then and has
 * added no listener, and an `error` without a listener ends the process. So each child gets one here.
 *
 * @throws ChildNotStarted instead of the error of `start` when nothing was started.
 */
export function startChild<T>(start: () => T): T {
  let child: NewChild | undefined;
  const onChild = (message: unknown) => {
    if (!isNewChild(message)) return;
    child = message.process;
    // The caller learns of it from the result, or from the error that is thrown below.
    child.on("error", () => {});
  };
  children.subscribe(onChild);
  try {
    return start();
  } catch (error) {
    if (child === undefined || child.pid !== undefined) throw error;
    throw new ChildNotStarted(reasonOf(error), { cause: error });
  } finally {
    children.unsubscribe(onChild);
  }
}

/** Node says by a code why it starts nothing; a library that has failed where there were no streams has none. */
function reasonOf(error: unknown): string {
  const isNodes = error instanceof Error && "code" in error;
  const reason = isNodes ? (explainSystemError(error) ?? error.message) : undefined;
  return reason ?? "too many files are open; try again";
}

function isNewChild(message: unknown): message is { process: NewChild } {
  return typeof message === "object" && message !== null && "process" in message;
}
