import { expect, test } from "vitest";
import { IdleWatch } from "../../src/base/idleWatch.js";
import { ManualClock } from "../helpers/manualClock.js";

test("signs of life put silence off, up to a total since something was said", () => {
  const clock = new ManualClock();
  const begun = clock.now();
  let idleAt: number | undefined;
  const watch = new IdleWatch(clock, 1000, () => {
    idleAt = clock.now() - begun;
  });
  for (let step = 0; step < 20 && idleAt === undefined; step++) {
    clock.advance(500);
    watch.sign();
  }
  expect(idleAt).toBeGreaterThanOrEqual(6000);
  expect(idleAt).toBeLessThanOrEqual(7000);
});

test("what is said begins the total anew", () => {
  const clock = new ManualClock();
  let isIdle = false;
  const watch = new IdleWatch(clock, 1000, () => {
    isIdle = true;
  });
  for (let step = 0; step < 40; step++) {
    clock.advance(500);
    if (step % 8 === 0) watch.touch();
    else watch.sign();
  }
  expect(isIdle).toBe(false);
  clock.advance(1001);
  expect(isIdle).toBe(true);
});
