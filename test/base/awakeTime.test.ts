import { expect, test } from "vitest";
import { IdleWatch } from "../../src/agent/idleWatch.js";
import { afterAwake } from "../../src/base/awakeTime.js";
import { ManualClock } from "../helpers/manualClock.js";

/** A clock of a process that can be stopped: what is due meanwhile fires once, when it goes on. */
class StoppableClock extends ManualClock {
  #skippedMs = 0;

  override now(): number {
    return super.now() + this.#skippedMs;
  }

  /** Stands still for `ms`: the time goes on, and the next timer fires at once. */
  sleep(ms: number): void {
    const due = this.nextDue;
    this.#skippedMs += ms - due;
    this.advance(due);
  }
}

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
