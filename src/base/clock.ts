/** Time as a dependency: code that waits can then be tested without waiting. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `run` once, `ms` milliseconds from now. */
  after(ms: number, run: () => void): Timer;
  /** Calls `run` once, after the running code and after all input that has already arrived. */
  soon(run: () => void): void;
}

/** A pending call of {@link Clock.after}. */
export interface Timer {
  cancel(): void;
}

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    // setTimeout takes 32 bits; a longer wait would fire at once.
    const timer = setTimeout(run, Math.min(ms, 0x7fffffff));
    return { cancel: () => clearTimeout(timer) };
  },
  soon(run) {
    setImmediate(run);
  },
};

/** Resolves after `ms` milliseconds; rejects with the signal's reason if it is aborted first. */
export function sleep(
  clock: Pick<Clock, "after">,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** A time in milliseconds as RFC 3339 in UTC (protocol.md section 3). */
export function toRfc3339(ms: number): string {
  return new Date(ms).toISOString();
}

/** The day, in this machine's time zone, at a time in milliseconds; as YYYY-MM-DD. */
export function localDay(ms: number): string {
  const date = new Date(ms);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
