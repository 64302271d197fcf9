import { describe, expect, it } from "vitest";
import { randomIds } from "../../src/base/ids.js";

describe("random ids", () => {
  it("are short where they are in every event, and long where knowing one is a right", () => {
    expect(randomIds.next("ses")).toMatch(/^ses_[0-9A-Za-z]{16}$/);
    expect(randomIds.next("msg")).toMatch(/^msg_[0-9A-Za-z]{16}$/);
    expect(randomIds.next("cmp")).toMatch(/^cmp_[0-9A-Za-z]{22}$/);
    expect(randomIds.next("cli")).toMatch(/^cli_[0-9A-Za-z]{22}$/);
  });

  it("do not repeat", () => {
    const ids = Array.from({ length: 10_000 }, () => randomIds.next("x"));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("take every character about as often as every other", () => {
    const counts = new Map<string, number>();
    for (let n = 0; n < 5_000; n++) {
      for (const one of randomIds.next("x").slice(2)) counts.set(one, (counts.get(one) ?? 0) + 1);
    }
    expect(counts.size).toBe(62);
    const expected = (5_000 * 16) / 62;
    for (const count of counts.values())
      expect(Math.abs(count - expected)).toBeLessThan(expected / 4);
  });
});
