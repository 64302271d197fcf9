import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../src/base/canonicalJson.js";

test("the example of RFC 8785, section 3.2.3, is in its order", () => {
  const given = JSON.parse(
    '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}',
  );
  const values = [...canonicalJson(given).matchAll(/:"([^"]*)"/g)].map(([, value]) => value);
  expect(values).toEqual([
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
});

test("names that look like numbers are in the order of texts, and numbers as RFC 8785 writes them", () => {
  expect(canonicalJson({ 10: 1e30, 9: 4.5, b: [2e-3, -0, 1e-27], a: null })).toBe(
    '{"10":1e+30,"9":4.5,"a":null,"b":[0.002,0,1e-27]}',
  );
});

test("the order in which members were written makes no difference, and nothing is lost", () => {
  const members = fc.uniqueArray(fc.tuple(fc.string(), fc.jsonValue()), {
    selector: ([name]) => name,
  });
  fc.assert(
    fc.property(members, (entries) => {
      const value = Object.fromEntries(entries);
      const text = canonicalJson(value);
      expect(text).toBe(canonicalJson(Object.fromEntries(entries.toReversed())));
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
