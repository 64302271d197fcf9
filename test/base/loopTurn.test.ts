import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { loopTurn } from "../../src/base/loopTurn.js";

it("lets one go on at once, and each other one in a turn of its own, in their order", async () => {
  let turns = 0;
  let isOver = false;
  const counting = (async () => {
    while (!isOver) {
      await nextTurn();
      turns++;
    }
  })();
  const went: { readonly who: number; readonly at: number }[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, who) => {
      await loopTurn();
      went.push({ who, at: turns });
    }),
  );
  isOver = true;
  await counting;
  expect(went.map(({ who }) => who)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  const gaps = went.slice(1).map(({ at }, index) => at - (went[index]?.at ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(0);
  // And no more than that: nothing waits for nothing.
  expect(Math.max(...gaps)).toBeLessThan(3);
});

it("keeps nobody waiting who is alone", async () => {
  await nextTurn();
  await nextTurn();
  expect(loopTurn()).toBeUndefined();
  const second = loopTurn();
  expect(second).toBeInstanceOf(Promise);
  await second;
  await nextTurn();
  expect(loopTurn()).toBeUndefined();
  await nextTurn();
});
