// When a failed model call is tried again (protocol.md section 4, Bounds of a run).
import { waitAfter } from "../base/backOff.js";
import type { ModelFailure } from "./modelFailure.js";

/**
 * How often one model call is tried, including the first time, if the provider can be expected to
 * recover.
 */
export const usualAttempts = 5;

const waits = { firstMs: 500, mostMs: 30_000 };
/**
 * If a provider asks for a longer pause than this, the turn ends: no user waits that long without
 * any sign.
 */
export const longestAskedWaitMs = 120_000;

/**
 * Milliseconds to wait before the next try, or undefined when there is none. It is never shorter
 * than the provider asked for. A little is added so that sessions do not all come back at the same
 * time.
 *
 * @param attempt the number of the try that failed, from 1.
 * @param random from 0 up to 1.
 */
export function retryDelay(
  failure: ModelFailure,
  attempt: number,
  random: () => number,
): number | undefined {
  const { retry } = failure;
  if (retry === undefined || attempt >= retry.attempts) return undefined;
  if (retry.afterMs !== undefined) {
    if (retry.afterMs > longestAskedWaitMs) return undefined;
    return retry.afterMs + random() * Math.min(retry.afterMs / 10, 1000);
  }
  const wait = waitAfter(attempt, waits);
  return wait * (0.5 + random() / 2);
}
