import { type Clock, sleep } from "../base/clock.js";

/** Resolves when `promise` does, but after `ms` milliseconds at the latest; rejects if it does. */
export async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  const isOver = new AbortController();
  const timeout = sleep(clock, ms, isOver.signal).catch(() => {
    // The wait was given up, which is what an abort is for.
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    isOver.abort();
  }
}
