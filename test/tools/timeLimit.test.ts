import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { inLimitedBatches } from "../../src/tools/timeLimit.js";

describe("work in batches", () => {
  test("gives what each batch gave, in order, and lets everything else go on", async () => {
    const numbers = Array.from({ length: 1_000 }, (_, n) => n);
    let turns = 0;
    let isOver = false;
    const others = (async () => {
      while (!isOver) {
        await setImmediate();
        turns++;
      }
    })();
    const doubled = await inLimitedBatches(numbers, "too long", (batch) => batch.map((n) => n * 2));
    isOver = true;
    await others;
    expect(doubled).toEqual(numbers.map((n) => n * 2));
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  test("that never ends is given up, and holds up nobody for long", async () => {
    let tries = 0;
    const work = inLimitedBatches([1], "it takes too long", () => {
      tries++;
      return /^(a+)+$/.test(`${"a".repeat(60)}!`) ? [1] : [];
    });
    await expect(work).rejects.toThrow("it takes too long");
    expect(tries).toBeGreaterThan(1);
    expect(tries).toBeLessThanOrEqual(30);
  });

  test("that was interrupted while it had no processor is tried again", async () => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    let tries = 0;
    const [result] = await inLimitedBatches([1], "it takes too long", () => {
      tries++;
      // As on a machine that does other things: the time goes by, and the process does nothing.
      if (tries <= 8) Atomics.wait(cell, 0, 0, 10_000);
      return [tries];
    });
    expect(result).toBe(9);
  });

  test("what the work throws is thrown", async () => {
    const work = inLimitedBatches([1], "too long", () => {
      throw new TypeError("wrong");
    });
    await expect(work).rejects.toThrow(TypeError);
  });
});
