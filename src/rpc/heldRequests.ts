// Repeats a request while another program holds the database: it is carried out when that program
// has released it, or refused after a limited time (protocol.md section 9).
import { waitAfter } from "../base/backOff.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";

const retries = { firstMs: 20, mostMs: 250 };
/** How long a request waits for another program, in milliseconds. */
const mostMs = 30_000;

/** Waits this many milliseconds; rejects with the signal's reason if it is aborted first. */
export type Rest = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * What `handle` gives; it is called again while it fails because another program holds the database, for
 * then it has done nothing. Rejects with that failure in the end, and as `handle` does.
 */
export async function whileHeld<T>(
  handle: () => T | Promise<T>,
  caller: { readonly signal: AbortSignal },
  rest: Rest,
): Promise<T> {
  let waitedMs = 0;
  for (let attempt = 1; ; attempt++) {
    const ms = waitAfter(attempt, retries);
    try {
      return await handle();
    } catch (error) {
      if (!isHeldElsewhere(error) || waitedMs + ms > mostMs) throw error;
    }
    await rest(ms, caller.signal);
    waitedMs += ms;
  }
}
