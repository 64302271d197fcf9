import { describe, expect, it } from "vitest";
import { deepestJson, isNestedDeeper } from "../../src/base/jsonDepth.js";

/** `depth` arrays, or objects, in each other. */
const nested = (depth: number, open = "[", close = "]") =>
  JSON.parse(`${open.repeat(depth)}1${close.repeat(depth)}`) as unknown;

describe("the depth of a JSON value", () => {
  it.each([
    ["text", "a", 0],
    ["nothing", null, 0],
    ["an empty array", [], 1],
    ["an object of an array", { a: [1] }, 2],
    ["the deepest of several members", [1, [2], { a: { b: [3] } }, 4], 4],
  ])("of %s is counted", (_, value, depth) => {
    expect(isNestedDeeper(value, depth)).toBe(false);
    if (depth > 0) expect(isNestedDeeper(value, depth - 1)).toBe(true);
  });

  it("may be as much as is taken and no more, of arrays and of objects", () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      expect(isNestedDeeper(nested(deepestJson, open, close))).toBe(false);
      expect(isNestedDeeper(nested(deepestJson + 1, open, close))).toBe(true);
      expect(isNestedDeeper(nested(100_000, open, close))).toBe(true);
    }
  });

  it("of a value that contains itself, or one part very often, is found at once", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    expect(isNestedDeeper(circle)).toBe(true);
    let often: unknown = [];
    for (let n = 0; n < 100; n++) often = [often, often];
    expect(isNestedDeeper(often)).toBe(false);
  });
});
