import { type Clock, sleep, type Timer } from "./clock.js";

/** A timer that fires later than this fires after a sleep of the process. */
const usualDelayMs = 250;
/**
 * A process that is late every time is busy, not asleep. From this many times on, its time counts.
 */
const mostSleeps = 3;

/**
 * Calls `run` once, when `ms` milliseconds have passed without a sleep of this process. A process
 * that was stopped, or that slept with its machine, is called late. Then it waits for the same time
 * again: its own sleep must not count as somebody's silence, and it first reads what has arrived
 * meanwhile. `run` is told how many milliseconds were not counted.
 */
export function afterAwake(clock: Clock, ms: number, run: (sleptMs: number) => void): Timer {
  let timer: Timer | undefined;
  let sleeps = 0;
  let sleptMs = 0;
  const wait = () => {
    const begun = clock.now();
    timer = clock.after(ms, () => {
      const elapsed = clock.now() - begun;
      if (elapsed <= ms + usualDelayMs || sleeps === mostSleeps) return run(sleptMs);
      sleeps++;
      sleptMs += elapsed;
      wait();
    });
  };
  wait();
  return { cancel: () => timer?.cancel() };
}

/**
 * Resolves when `ms` milliseconds have passed without a sleep of this process, as {@link afterAwake}
 * counts them. Rejects with the signal's reason if it is aborted first.
 */
export function sleepAwake(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  const after = (awakeMs: number, run: () => void) => afterAwake(clock, awakeMs, run);
  return sleep({ after }, ms, signal);
}
