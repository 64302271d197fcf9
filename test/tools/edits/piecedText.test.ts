import { expect, it } from "vitest";
import { PiecedText } from "../../../src/tools/edits/piecedText.js";

it("is what a text is in which the same was replaced", () => {
  let plain = "0123456789".repeat(10);
  const pieced = new PiecedText(plain);
  for (let n = 0; n < 60; n++) {
    const at = (n * 37) % plain.length;
    const length = Math.min(n % 7, plain.length - at);
    const text = "xyz".repeat(n % 4);
    pieced.replace(at, length, text);
    plain = plain.slice(0, at) + text + plain.slice(at + length);
    expect(pieced.length).toBe(plain.length);
    for (const from of [0, at, 11]) {
      expect(pieced.slice(from, from + 30)).toBe(plain.slice(from, from + 30));
    }
  }
  expect(pieced.whole()).toBe(plain);
  expect(pieced.slice(3, 20)).toBe(plain.slice(3, 20));
});
