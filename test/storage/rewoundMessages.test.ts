// How long the messages of a rewind hold the event loop while they are moved.
import { setImmediate } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { longestHold, onThisMachine } from "../helpers/longestHold.js";
import { LongSession } from "../helpers/longSession.js";

it.each([
  ["5,000 short messages", 5_000, 100],
  ["messages of 100 kB", 200, 20_000],
  ["messages of 2 MB", 10, 400_000],
])("is held under 50 ms at a time by a rewind of %s", async (_what, count, words) => {
  const folder = temporaryFolder();
  const long = new LongSession(`${folder.path}/turnwire.db`);
  onTestFinished(() => {
    long.database.close();
    folder.remove();
  });
  long.add(count, words);
  const { messages } = long.store;
  const last = messages.last("s");
  const move = (ranges: readonly (readonly [number, number])[]) =>
    longestHold(async () => {
      while (messages.move("s", ranges)) await setImmediate();
    });
  const out: number[] = [];
  const back: number[] = [];
  for (let round = 0; round < 3; round++) {
    out.push(await move([[0, last]]));
    expect(long.parts("s")).toEqual([]);
    back.push(await move([]));
    expect(long.parts("s")).toHaveLength(count);
  }
  // Other programs of the machine can only make one longer.
  expect(Math.min(...out)).toBeLessThan(onThisMachine(50, 10));
  expect(Math.min(...back)).toBeLessThan(onThisMachine(50, 10));
});

it("moves exactly what is in the ranges, and brings the rest back", () => {
  const folder = temporaryFolder();
  const long = new LongSession(`${folder.path}/turnwire.db`);
  onTestFinished(() => {
    long.database.close();
    folder.remove();
  });
  long.add(500, 1);
  const { messages } = long.store;
  const positions = () =>
    long.database
      .prepare("SELECT position FROM messages WHERE sessionId = 's' ORDER BY position")
      .all()
      .map(({ position }) => Number(position));
  const all = positions();
  for (const ranges of [
    [[0, 3]],
    [
      [10, 20],
      [15, 300],
      [490, 500],
    ],
    [[499, 500]],
    [],
  ] as const) {
    while (messages.move("s", ranges));
    const stays = (one: number) => !ranges.some(([after, upTo]) => one > after && one <= upTo);
    expect(positions()).toEqual(all.filter(stays));
  }
});
