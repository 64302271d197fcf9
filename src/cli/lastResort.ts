// What happens with an error that nobody caught: a defect of this program. Nothing says what it has
// left half-done, so the server does not go on; but its runs get their completions first.
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";

/** The exit code of a server that ended so; the code that `sysexits.h` has for an internal error. */
export const uncaughtExitCode = 70;
/** How long runs have to end, in milliseconds; what has not ended then is told as interrupted. */
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

/** Makes the handler for what nobody caught. It logs every such error; the first begins the end. */
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
