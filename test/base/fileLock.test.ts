import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { LockLost, withFileLock } from "../../src/base/fileLock.js";

const staleMs = 10_000;
const longAgo = new Date(Date.now() - 10 * staleMs);

function house() {
  const folder = mkdtempSync(join(tmpdir(), "lock-"));
  return { folder, lock: join(folder, "x.lock") };
}

/** A clock whose waits end when the test says so. */
class HeldClock implements Clock {
  readonly waits: { readonly ms: number; readonly run: () => void }[] = [];
  now = () => systemClock.now();
  soon = (run: () => void) => systemClock.soon(run);
  after(ms: number, run: () => void) {
    const wait = { ms, run };
    this.waits.push(wait);
    return { cancel: () => void this.waits.splice(this.waits.indexOf(wait), 1) };
  }
  pass(ms: number): void {
    for (const wait of this.waits.filter((one) => one.ms === ms)) {
      this.waits.splice(this.waits.indexOf(wait), 1);
      wait.run();
    }
  }
}

const patience = (clock: Clock = systemClock) => ({ clock, staleMs, longestWaitMs: 20_000 });

/** Puts the lock of another process in the place of whatever is there. */
function lockOfAnother(lock: string, madeAt = new Date()): void {
  writeFileSync(lock, "another");
  utimesSync(lock, madeAt, madeAt);
}

test("lets one at a time work, also where a dead process left its lock, and leaves nothing", async () => {
  const { folder, lock } = house();
  lockOfAnother(lock, longAgo);
  let inside = 0;
  const work = async (assertHeld: () => void) => {
    expect(++inside).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    assertHeld();
    inside--;
  };
  await Promise.all(Array.from({ length: 12 }, () => withFileLock(lock, patience(), work)));
  expect(readdirSync(folder)).toEqual([]);
});

test("leaves the lock of another process, which took it over, and tells the work of it", async () => {
  const { folder, lock } = house();
  const work = async (assertHeld: () => void) => {
    assertHeld();
    lockOfAnother(lock);
    expect(assertHeld).toThrow(LockLost);
    rmSync(lock);
    expect(assertHeld).toThrow(LockLost);
    lockOfAnother(lock);
    return "done";
  };
  expect(await withFileLock(lock, patience(), work)).toBe("done");
  expect(readFileSync(lock, "utf8")).toBe("another");
  expect(readdirSync(folder)).toEqual(["x.lock"]);
});

test("is renewed while its owner works, and the lock of another is not", async () => {
  const { lock } = house();
  const clock = new HeldClock();
  const isOld = () => Date.now() - statSync(lock).mtimeMs > staleMs;
  await withFileLock(lock, patience(clock), async () => {
    for (let round = 0; round < 3; round++) {
      utimesSync(lock, longAgo, longAgo);
      expect(isOld()).toBe(true);
      clock.pass(staleMs / 3);
      expect(isOld()).toBe(false);
    }
    lockOfAnother(lock, longAgo);
    clock.pass(staleMs / 3);
    expect(isOld()).toBe(true);
  });
  expect(clock.waits).toEqual([]);
});

test("of a dead process is removed by one process at a time", async () => {
  const { folder, lock } = house();
  lockOfAnother(lock, longAgo);
  // Another process is just at it.
  writeFileSync(`${lock}.removal`, "");
  const clock = new HeldClock();
  let hasWorked = false;
  const working = withFileLock(lock, patience(clock), async () => {
    hasWorked = true;
  });
  await expect.poll(() => clock.waits.length).toBe(1);
  expect(readFileSync(lock, "utf8")).toBe("another");
  // It has done so, and a third process has the lock before its own mark is gone.
  lockOfAnother(lock);
  rmSync(`${lock}.removal`);
  clock.pass(50);
  await expect.poll(() => clock.waits.length).toBe(1);
  expect(readFileSync(lock, "utf8")).toBe("another");
  expect(hasWorked).toBe(false);
  rmSync(lock);
  clock.pass(50);
  await working;
  expect([hasWorked, readdirSync(folder)]).toEqual([true, []]);
});

test("is removed also where whoever removed it before died in the middle", async () => {
  const { folder, lock } = house();
  lockOfAnother(lock, longAgo);
  writeFileSync(`${lock}.removal`, "");
  utimesSync(`${lock}.removal`, longAgo, longAgo);
  expect(await withFileLock(lock, patience(), async () => 1)).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});
