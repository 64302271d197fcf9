import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import type { ModelFailure, RetryHint } from "../../src/models/modelFailure.js";
import { retryDelay } from "../../src/models/retry.js";

function failure(retry?: RetryHint): ModelFailure {
  return { errorName: "RateLimited", message: "", cause: "provider", ...defined({ retry }) };
}

describe("the pause before another try", () => {
  it("doubles, and is shortened by up to a half", () => {
    const delays = (random: number) =>
      [1, 2, 3, 4, 5].map((attempt) => retryDelay(failure({ attempts: 5 }), attempt, () => random));
    expect(delays(1)).toEqual([500, 1000, 2000, 4000, undefined]);
    expect(delays(0)).toEqual([250, 500, 1000, 2000, undefined]);
  });

  it("is never shorter than what the provider asked for", () => {
    const ms = fc.integer({ min: 0, max: 120_000 });
    const random = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(ms, random, (afterMs, chance) => {
        const delay = retryDelay(failure({ attempts: 5, afterMs }), 1, () => chance);
        expect(delay).toBeGreaterThanOrEqual(afterMs);
        expect(delay).toBeLessThanOrEqual(afterMs + 1000);
      }),
    );
  });

  it("does not exist for a failure that stays, nor for one that asks for too much patience", () => {
    expect(retryDelay(failure(), 1, Math.random)).toBeUndefined();
    expect(retryDelay(failure({ attempts: 5, afterMs: 120_001 }), 1, Math.random)).toBeUndefined();
  });
});
