import { expect, test } from "vitest";
import { afterAwake, sleepAwake } from "../../src/base/awakeTime.js";
import { IdleWatch } from "../../src/base/idleWatch.js";
import { CallLimit, callTimeoutMs } from "../../src/mcp/callLimit.js";
import { ManualClock } from "../helpers/manualClock.js";
import { StoppableClock } from "../helpers/stoppableClock.js";

test("time in which the process was awake counts to the millisecond", () => {
  const clock = new ManualClock();
  for (const ms of [1, 7, 100, 999, 60_000, 600_000]) {
    const begun = clock.now();
    let at: number | undefined;
    afterAwake(clock, ms, () => {
      at = clock.now() - begun;
    });
    clock.advance(2 * ms);
    expect(at).toBe(ms);
  }
  let hasRun = false;
  const timer = afterAwake(clock, 1000, () => {
    hasRun = true;
  });
  clock.advance(500);
  timer.cancel();
  clock.advance(5000);
  expect(hasRun).toBe(false);
  expect(clock.pending).toBe(0);
});

test("a sleep does not count, however long and often", () => {
  const clock = new StoppableClock();
  let slept: number | undefined;
  afterAwake(clock, 8000, (ms) => {
    slept = ms;
  });
  for (let sleep = 0; sleep < 3; sleep++) {
    clock.advance(1500);
    clock.sleep(3_600_000);
    expect(slept).toBeUndefined();
  }
  clock.advance(8000);
  expect(slept).toBeGreaterThanOrEqual(3 * 3_600_000);
});

test("a process that is always late comes to an end", () => {
  const clock = new StoppableClock();
  let hasRun = false;
  afterAwake(clock, 8000, () => {
    hasRun = true;
  });
  for (let late = 0; late < 40 && !hasRun; late++) clock.sleep(20_000);
  expect(hasRun).toBe(true);
});

test.each([0, 500, 7000])(
  "a provider is not blamed for a sleep after %i ms of its silence",
  (ms) => {
    const clock = new StoppableClock();
    let isIdle = false;
    const watch = new IdleWatch(clock, 8000, () => {
      isIdle = true;
    });
    clock.advance(100);
    watch.touch();
    clock.advance(ms);
    clock.sleep(3_600_000);
    expect(isIdle).toBe(false);
    clock.advance(900 - (ms > 900 ? 800 : 0));
    expect(isIdle).toBe(false);
    clock.advance(16_000);
    expect(isIdle).toBe(true);
  },
);

test("a call of a tool server has all of its time after a sleep", () => {
  const clock = new StoppableClock();
  const limit = new CallLimit(clock, new AbortController().signal);
  clock.advance(1000);
  clock.sleep(3_600_000);
  expect(limit.signal.aborted).toBe(false);
  clock.advance(callTimeoutMs - 1);
  expect(limit.signal.aborted).toBe(false);
  clock.advance(1);
  expect(limit.signal.aborted).toBe(true);
});

test("a wait goes on after a sleep, and ends with its signal", async () => {
  const clock = new StoppableClock();
  let isOver = false;
  const wait = sleepAwake(clock, 8000).then(() => {
    isOver = true;
  });
  clock.sleep(3_600_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  clock.advance(8000);
  await wait;
  const ending = new AbortController();
  const ended = expect(sleepAwake(clock, 8000, ending.signal)).rejects.toThrow("enough");
  ending.abort(new Error("enough"));
  await ended;
  expect(clock.pending).toBe(0);
});
