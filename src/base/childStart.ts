// Starts a child process so that nothing that goes wrong with it can end this process.
import { channel } from "node:diagnostics_channel";

/** The operating system did not start a program; the message says why, in words. */
export class ChildNotStarted extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ChildNotStarted";
  }
}

/** What Node tells of each child that it makes, before it starts it. */
interface NewChild {
  readonly pid?: number;
  on(event: "error", listener: () => void): unknown;
}

const children = channel("child_process");

/**
 * Runs `start`, which starts one child process by whatever library, and returns what it returns.
 *
 * When this process has no file descriptor left, Node gives back a child without streams and emits
 * `error` on it a moment later. A library that reaches for the streams has failed by then and has
 * added no listener, and an `error` without a listener ends the process. So each child gets one here.
 *
 * @throws ChildNotStarted in the place of whatever `start` throws when there was no descriptor left.
 */
export function startChild<T>(start: () => T): T {
  let child: NewChild | undefined;
  const onChild = (message: unknown) => {
    if (!isNewChild(message)) return;
    child = message.process;
    // The caller is told by the result, or by the error that is thrown below.
    child.on("error", () => {});
  };
  children.subscribe(onChild);
  try {
    return start();
  } catch (error) {
    if (child === undefined || child.pid !== undefined) throw error;
    throw new ChildNotStarted("too many files are open; try again", { cause: error });
  } finally {
    children.unsubscribe(onChild);
  }
}

function isNewChild(message: unknown): message is { process: NewChild } {
  return typeof message === "object" && message !== null && "process" in message;
}
