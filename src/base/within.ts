import { sleepAwake } from "./awakeTime.js";
import type { Clock } from "./clock.js";

/**
 * Resolves when `promise` does, or after `ms` milliseconds. Rejects if `promise` rejects before.
 */
export async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  const isOver = new AbortController();
  const timeout = sleepAwake(clock, ms, isOver.signal).catch(() => {
    // The abort below ends the wait; this is no error.
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    isOver.abort();
  }
}
