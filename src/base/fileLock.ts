// A lock between processes: a file beside the one that is locked, which only one process can make.
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { type Clock, sleep } from "./clock.js";
import { systemErrorCode } from "./systemError.js";

const pauseMs = 50;

/** How long a lock is respected, and waited for. */
export interface LockPatience {
  readonly clock: Clock;
  /**
   * A lock that has not been renewed for so long, in milliseconds, was left by a process that died. Its
   * owner renews it three times as often.
   */
  readonly staleMs: number;
  /** How long it is waited for, in milliseconds. */
  readonly longestWaitMs: number;
}

/** The lock was taken by another process, because this one was held up for too long. */
export class LockLost extends Error {
  constructor(lock: string) {
    super(`${lock} was taken by another process`);
    this.name = "LockLost";
  }
}

/**
 * Does work that no other process does at the same time under the same lock. The folder of the lock is
 * made if it is missing. `work` calls `assertHeld` just before what it changes: that throws `LockLost` if
 * this process was held up for so long, say by a machine that slept, that another one has the lock now.
 *
 * @throws Error if another process keeps the lock for too long, and the system's error if it cannot be
 *   made.
 */
export async function withFileLock<T>(
  lock: string,
  patience: LockPatience,
  work: (assertHeld: () => void) => Promise<T>,
): Promise<T> {
  await mkdir(dirname(lock), { recursive: true, mode: 0o700 });
  const token = randomUUID();
  await take(lock, token, patience);
  const stopRenewing = renew(lock, token, patience);
  try {
    return await work(() => {
      if (tokenIn(lock) !== token) throw new LockLost(lock);
    });
  } finally {
    stopRenewing();
    await giveBack(lock, token, patience);
  }
}

async function take(lock: string, token: string, patience: LockPatience): Promise<void> {
  const { clock, longestWaitMs } = patience;
  const begin = clock.now();
  while (!(await make(lock, token))) {
    await clearAway(lock, patience);
    if (clock.now() - begin > longestWaitMs) throw new Error(`another process keeps ${lock}`);
    await sleep(clock, pauseMs);
  }
}

/** Makes the lock, unless there is one. */
async function make(lock: string, token: string): Promise<boolean> {
  try {
    const handle = await open(lock, "wx", 0o600);
    try {
      await handle.writeFile(token);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
    return false;
  }
}

/** Removes the own lock, and nothing if another process has it by now. */
async function giveBack(lock: string, token: string, patience: LockPatience): Promise<void> {
  while (tokenIn(lock) === token) {
    const isDone = await removeIf(lock, patience, () => tokenIn(lock) === token);
    if (!isDone) await sleep(patience.clock, pauseMs);
  }
}

/** Removes a lock that was left behind, and never one that has come in its place. */
async function clearAway(lock: string, patience: LockPatience): Promise<void> {
  const isLeft = (token: string | undefined) =>
    token !== undefined && tokenIn(lock) === token && ageOf(lock) > patience.staleMs;
  const seen = tokenIn(lock);
  if (isLeft(seen)) await removeIf(lock, patience, () => isLeft(seen));
}

/**
 * Removes a lock if it is still the one that is meant. Only the process that makes the file for removals
 * may do so, the owner as well as any other: so nobody removes it between the look and the removal.
 *
 * @returns false if another process is at it.
 */
async function removeIf(
  lock: string,
  { staleMs }: LockPatience,
  isMeant: () => boolean,
): Promise<boolean> {
  const removal = `${lock}.removal`;
  // Whoever made it may have died.
  if (!(await make(removal, "")) && ageOf(removal) <= staleMs) return false;
  try {
    // Without a pause between the two.
    if (isMeant()) rmSync(lock, { force: true });
  } finally {
    rmSync(removal, { force: true });
  }
  return true;
}

/** The token in a lock; undefined if there is none. */
function tokenIn(lock: string): string | undefined {
  try {
    return readFileSync(lock, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Keeps the lock from looking left behind; returns what ends that. */
function renew(lock: string, token: string, { clock, staleMs }: LockPatience): () => void {
  const again = () =>
    clock.after(staleMs / 3, () => {
      try {
        const now = new Date();
        if (tokenIn(lock) === token) utimesSync(lock, now, now);
      } catch {
        // What cannot be renewed may be lost, and `assertHeld` tells that.
      }
      timer = again();
    });
  let timer = again();
  return () => timer.cancel();
}

/** In milliseconds; 0 if there is none. */
function ageOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 0 : Date.now() - found.mtimeMs;
}
