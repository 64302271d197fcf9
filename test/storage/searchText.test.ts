import { describe, expect, it } from "vitest";
import { wellFormed } from "../../src/agent/wellFormed.js";
import { indexedText } from "../../src/storage/indexedText.js";
import { snippetOf, termsOf } from "../../src/storage/searchText.js";

const matches = (query: string) => termsOf(query).map(({ match }) => match);

describe("a query", () => {
  it.each<[string, string[]]>([
    ["plain words", ['"plain"*', '"words"*']],
    ["of to be", ['"of"', '"to"', '"be"']],
    [
      '"quoted" AND (NOT x*) OR text:y',
      ['"quoted"*', '"AND"*', '"NOT"*', '"x"', '"OR"', '"text"*', '"y"'],
    ],
    ["foo.bar() ^ - +", ['"foo"*', '"bar"*']],
    ["検索", ['"検 索"']],
    ["日本語abc", ['"日 本 語 abc"*']],
    ["🙂", ['"🙂"']],
    ['"* () \0 ^', []],
    ["", []],
  ])("of %j looks for its words alone", (query, expected) => {
    expect(matches(query)).toEqual(expected);
  });

  it("has at most 16 words, of its first 1,000 characters", () => {
    expect(matches("word ".repeat(10_000))).toHaveLength(16);
    expect(matches(`${" ".repeat(1_000)}late`)).toEqual([]);
  });
});

describe("a snippet", () => {
  it("is a piece around the first word, in one line", () => {
    const text = `${"before ".repeat(100)}the needle\n\tis here\0${" after".repeat(100)}`;
    const snippet = snippetOf(text, termsOf("NEEDLE"));
    expect(snippet).toMatch(/^…before .*the needle is here after .*…$/);
    expect(snippet.length).toBeLessThanOrEqual(202);
  });

  it("begins at the beginning where the word is not found as it is written", () => {
    expect(snippetOf("Über die Brücke", termsOf("brucke"))).toBe("Über die Brücke");
  });

  it("cuts no character in two", () => {
    const snippet = snippetOf("🙂".repeat(500), termsOf("x"));
    expect(snippet).toBe(wellFormed(snippet));
    const later = snippetOf(`${"🙂".repeat(500)}needle`, termsOf("needle"));
    expect(later).toBe(wellFormed(later));
  });
});

it("is given every character of a script without blanks by itself", () => {
  expect(indexedText("abc直す\0x").split(/\s+/)).toEqual(["abc", "直", "す", "x"]);
});
