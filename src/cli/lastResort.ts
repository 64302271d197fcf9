// Handles an error that nobody caught, which is a defect of this program. It is unknown what was
// left half-done, so the server ends. But first its runs get their completions.
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";

/** The exit code of such a server: the code of `sysexits.h` for an internal error. */
export const uncaughtExitCode = 70;
/**
 * How long runs have to end, in milliseconds. Runs that have not ended by then become interrupted.
 */
const mostMs = 10_000;

/** What the last resort needs. */
export interface LastResort {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Begins the server's end. */
  end(): void;
  /** Leaves at once. */
  exit(code: number): void;
}

/** Makes the handler for uncaught errors. It logs each of them; the first one begins the end. */
export function lastResort({ clock, ids, log, end, exit }: LastResort): (error: unknown) => void {
  let isEnding = false;
  return (error) => {
    const errorId = ids.next("err");
    const stack = error instanceof Error ? error.stack : String(error);
    log.error({ errorId, stack }, "nobody caught this error; the server ends");
    if (isEnding) return;
    isEnding = true;
    clock.after(mostMs, () => exit(uncaughtExitCode));
    end();
  };
}
