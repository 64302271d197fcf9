import { expect, test } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { RunTime } from "../../src/base/runTime.js";
import { ManualClock } from "../helpers/manualClock.js";

/** A clock that can go on while no timer fires, as it does where a process is stopped. */
class SleepyClock extends ManualClock {
  sleptMs = 0;
  override now(): number {
    return super.now() + this.sleptMs;
  }
}

/** Lets time pass as a process sees it that is awake: in small steps. */
function pass(clock: ManualClock, ms: number): void {
  for (let left = ms; left > 0; left -= 100) clock.advance(Math.min(left, 100));
}

const seconds = (most: number) => ({ most, field: "limits.seconds" });

test("is over after its seconds, and not before", () => {
  const clock = new ManualClock();
  const time = new RunTime(clock, seconds(2.5));
  pass(clock, 2_400);
  expect(time.exceeded).toBeUndefined();
  pass(clock, 100);
  expect(time.signal.aborted).toBe(true);
  expect(time.exceeded).toMatchObject({ errorName: "TimeLimit", cause: "limit" });
});

test("is never over without a bound, or once it has ended", () => {
  const clock = new ManualClock();
  const [free, ended] = [new RunTime(clock, undefined), new RunTime(clock, seconds(1))];
  ended.end();
  pass(clock, 100_000);
  expect([free, ended].map(({ signal }) => signal.aborted)).toEqual([false, false]);
});

test("does not count while a person is waited for, also for several things at once", async () => {
  const clock = new ManualClock();
  const time = new RunTime(clock, seconds(2));
  pass(clock, 1_500);
  const [first, second] = [new Deferred<void>(), new Deferred<void>()];
  const waits = [first, second].map(({ promise }) => time.whileWaiting(() => promise));
  pass(clock, 60_000);
  first.resolve();
  await waits[0];
  pass(clock, 60_000);
  second.reject(new Error("withdrawn"));
  await expect(waits[1]).rejects.toThrow("withdrawn");
  pass(clock, 400);
  expect(time.exceeded).toBeUndefined();
  pass(clock, 100);
  expect(time.exceeded).toBeDefined();
});

test("does not count the sleep of a process that was stopped", () => {
  const clock = new SleepyClock();
  const time = new RunTime(clock, seconds(3));
  pass(clock, 500);
  clock.sleptMs += 3_600_000;
  pass(clock, 1_900);
  expect(time.exceeded).toBeUndefined();
  pass(clock, 1_700);
  expect(time.exceeded).toBeDefined();
});

test("counts a sleep that a question ends as one piece at most", async () => {
  const clock = new SleepyClock();
  const time = new RunTime(clock, seconds(3));
  // No timer has fired when it asks something.
  clock.sleptMs += 3_600_000;
  await time.whileWaiting(async () => {});
  pass(clock, 1_900);
  expect(time.exceeded).toBeUndefined();
});
