// How long work holds the event loop.
import { readFileSync } from "node:fs";
import { setImmediate, setTimeout } from "node:timers/promises";

/**
 * Milliseconds for which the main thread has had a processor, so that what else runs on the machine
 * counts little; by the clock where the system does not tell.
 */
function mainThreadMs(): number {
  try {
    return Number(readFileSync("/proc/self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

/**
 * Milliseconds by the clock, without those for which the main thread would have run and had no
 * processor, so that what is waited for counts and what else runs on the machine does not.
 */
export function undisturbedMs(): number {
  try {
    const waited = Number(readFileSync("/proc/self/schedstat", "utf8").split(" ")[1]) / 1e6;
    return performance.now() - waited;
  } catch {
    return performance.now();
  }
}

/**
 * The longest time between two turns of the event loop while `work` is done, in milliseconds. Up to a
 * millisecond of short turns before it counts as well: a look at each turn of a loop that never sleeps
 * would take the processor from the threads and programs that the work waits for.
 */
export async function longestHold(work: () => unknown): Promise<number> {
  let isOver = false;
  await setImmediate();
  let last = mainThreadMs();
  let longest = 0;
  const look = () => {
    const now = mainThreadMs();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const watching = (async () => {
    while (!isOver) {
      await setTimeout(1);
      look();
    }
  })();
  try {
    await work();
  } finally {
    look();
    isOver = true;
    await watching;
  }
  return longest;
}

/** What takes a few milliseconds on a machine that does nothing else. */
export function fewMs(): number {
  let sum = 0;
  for (let n = 0; n < 4_000_000; n++) sum = (sum * 31 + n) | 0;
  return sum;
}

/** The slowest that this machine was seen: what else runs on it comes and goes. */
let slowest = 1;

/** How often longer than on a common machine this one takes for the same instructions; at least 1. */
function slowness(): number {
  fewMs();
  const begun = process.cpuUsage();
  for (let n = 0; n < 10; n++) fewMs();
  const { user, system } = process.cpuUsage(begun);
  slowest = Math.max(slowest, (user + system) / 10_000 / 5);
  return slowest;
}

/**
 * What `ms` on a common machine are on this one, for work that touches up to `megabytes` of new memory
 * in one piece: on some virtual machines the first touch of a page takes longer than all else.
 */
export function onThisMachine(ms: number, megabytes = 0): number {
  const begun = mainThreadMs();
  const touched = Array.from({ length: megabytes }, (_, n) => Buffer.alloc(1e6, n + 1));
  const touchMs = mainThreadMs() - begun;
  return ms * slowness() + (touched.length > 0 ? touchMs : 0);
}
