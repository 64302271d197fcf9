import * as fc from "fast-check";
import { expect, test } from "vitest";
import { clipCharacters, formatCount } from "../../src/base/text.js";

const characters = (text: string) => [...new Intl.Segmenter().segment(text)].length;

test("a text is cut between characters as a person counts them", () => {
  const parts = fc.constantFrom("a", " ", "é", "e\u0301", "🇩🇪", "👍🏽", "👩‍👩‍👧‍👦", "漢", "\r\n");
  fc.assert(
    fc.property(
      fc.array(parts, { maxLength: 40 }),
      fc.integer({ min: 2, max: 20 }),
      (all, most) => {
        const text = all.join("");
        const clipped = clipCharacters(text, most);
        if (characters(text) <= most) {
          expect(clipped).toBe(text);
          return;
        }
        expect(characters(clipped)).toBeLessThanOrEqual(most);
        expect(clipped.endsWith("…")).toBe(true);
        expect(text.startsWith(clipped.slice(0, -1))).toBe(true);
        // What is kept are whole characters of the text.
        const kept = characters(clipped.slice(0, -1));
        expect([...new Intl.Segmenter().segment(text)][kept]?.index).toBe(clipped.length - 1);
      },
    ),
  );
});

test("a letter with marks without end does not make a text long", () => {
  const clipped = clipCharacters(`a${"\u0301".repeat(1_000_000)}`, 10);
  expect(clipped.length).toBeLessThanOrEqual(321);
  expect(clipped.endsWith("…")).toBe(true);
});

test("a number for people is as every language with commas writes it", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (count) => {
      expect(formatCount(count)).toBe(count.toLocaleString("en-US"));
    }),
  );
  expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(["0", "999", "1,000", "1,234,567"]);
});
