// A lock between processes: a file beside the one that is locked, which only one process can make.
import { mkdir, open, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Clock, sleep } from "./clock.js";
import { systemErrorCode } from "./systemError.js";

const pauseMs = 50;

/** How long a lock is respected, and waited for. */
export interface LockPatience {
  readonly clock: Clock;
  /** A lock that is older, in milliseconds, was left by a process that died. */
  readonly staleMs: number;
  /** How long it is waited for, in milliseconds. */
  readonly longestWaitMs: number;
}

/**
 * Does work that no other process does at the same time under the same lock. The folder of the lock is
 * made if it is missing.
 *
 * @throws Error if another process keeps the lock for too long, and the system's error if it cannot be
 *   made.
 */
export async function withFileLock<T>(
  lock: string,
  patience: LockPatience,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(lock), { recursive: true, mode: 0o700 });
  await take(lock, patience);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string, { clock, staleMs, longestWaitMs }: LockPatience): Promise<void> {
  const begin = clock.now();
  for (;;) {
    try {
      await (await open(lock, "wx", 0o600)).close();
      return;
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
    }
    if ((await ageOf(lock)) > staleMs) await rm(lock, { force: true });
    if (clock.now() - begin > longestWaitMs) throw new Error(`another process keeps ${lock}`);
    await sleep(clock, pauseMs);
  }
}

async function ageOf(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}
