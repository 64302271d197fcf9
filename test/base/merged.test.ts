import { expect, test } from "vitest";
import { merged } from "../../src/base/merged.js";
import { haveOneClass } from "../helpers/heap.js";

test("the second's members win, and neither object is changed", () => {
  const [first, second] = [Object.freeze({ a: 1, b: 2 }), Object.freeze({ b: 3, c: 4 })];
  expect(Object.entries(merged(first, second))).toEqual([
    ["a", 1],
    ["b", 3],
    ["c", 4],
  ]);
});

test("all that are made of the same members have one hidden class", () => {
  const haveSame = haveOneClass();
  const all = Array.from({ length: 200 }, (_, n) => merged({ a: "x", b: n }, { c: n, d: `${n}` }));
  const settled = all.slice(100);
  expect(settled.filter((one) => haveSame(one, settled[0] ?? {}))).toHaveLength(100);
});
