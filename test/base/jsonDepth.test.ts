import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deepestJson, isNestedDeeper, isTextNestedDeeper } from "../../src/base/jsonDepth.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

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

describe("the depth of a JSON text", () => {
  it("is that of its value, whatever its strings hold", () => {
    const odd = fc.string({ unit: fc.constantFrom("[", "]", "{", "}", '"', "\\", "a") });
    const json = fc.letrec((tie) => ({
      value: fc.oneof(odd, fc.integer(), fc.array(tie("value")), fc.dictionary(odd, tie("value"))),
    })).value;
    fc.assert(
      fc.property(json, fc.nat({ max: 6 }), (value, most) => {
        const text = JSON.stringify(value);
        expect(isTextNestedDeeper(text, most)).toBe(isNestedDeeper(JSON.parse(text), most));
      }),
    );
  });

  it.each(["[".repeat(1_000_000), `["${"\\".repeat(1_000_001)}`, `"${"[".repeat(1_000_000)}`])(
    "is found at once in %.5s…",
    async (text) => {
      expect(await cpuTimeOf(() => isTextNestedDeeper(text))).toBeLessThan(onThisMachine(50));
    },
  );
});
