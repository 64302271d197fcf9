import type { Clock, Timer } from "./clock.js";

/** A timer that fires later than this fires after a sleep of the process. */
const usualDelayMs = 250;
/** A process that is always late is busy, not asleep: from then on its time counts. */
const mostSleeps = 3;

/**
 * Calls `run` once, when `ms` milliseconds have passed without a sleep of this process. A process that
 * was stopped, or slept with its machine, notices the end late: then it waits as long again, so that
 * nobody is blamed for its sleep and what has arrived meanwhile is read first. `run` is told how many
 * milliseconds counted for nothing.
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
