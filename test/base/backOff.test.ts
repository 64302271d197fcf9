import { expect, test } from "vitest";
import { waitAfter } from "../../src/base/backOff.js";

test("a wait doubles with each failure in a row, and never passes its limit", () => {
  const waits = [1, 2, 3, 4, 5, 2000].map((n) => waitAfter(n, { firstMs: 250, mostMs: 1500 }));
  expect(waits).toEqual([250, 500, 1000, 1500, 1500, 1500]);
});
