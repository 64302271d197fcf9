import { expect, test } from "vitest";
import { defined } from "../../src/base/defined.js";

test("what is undefined is left out, and everything else stays", () => {
  const values: { a?: number | undefined; b: string; c: null; d?: false | undefined } = {
    a: undefined,
    b: "",
    c: null,
    d: false,
  };
  const kept: { a?: number; b: string; c: null; d?: false } = defined(values);
  expect(kept).toEqual({ b: "", c: null, d: false });
  expect("a" in kept).toBe(false);
});
