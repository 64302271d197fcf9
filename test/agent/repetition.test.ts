import { describe, expect, it } from "vitest";
import { Repetition } from "../../src/agent/repetition.js";

function count(calls: string): number[] {
  const repetition = new Repetition();
  return [...calls].map((call) => repetition.note(call));
}

describe("repetition", () => {
  it("counts how often the same call has come in a row", () => {
    expect(count("aaabaa")).toEqual([1, 2, 3, 1, 1, 2]);
  });

  it("counts cycles of a few calls", () => {
    expect(count("abababab").at(-1)).toBe(4);
    expect(count("abcabcabcabcabc").at(-1)).toBe(5);
  });

  it("sees no cycle in work that goes on", () => {
    expect(Math.max(...count("abacadaeafagahaiajak"))).toBe(1);
  });
});
