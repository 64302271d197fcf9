// The requirements of the conformance kit beside protocol.md: whoever writes a sentence says what
// checks it, and whoever changes one changes both.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { requirements } from "../../src/conformance/requirements.js";
import { marksOf, sentencesIn } from "./sentenceMarks.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "protocol.md"), "utf8");
const marks = marksOf(page);
const words = (text: string) => text.replace(/\s+/g, " ").trim();

/** What a comment may give as the reason why nothing checks a sentence (protocol.md, Conformance). */
const reasons = ["client", "words", "agent", "program", "open"];

/** How many sentences can be seen from outside and have no check. It only ever falls. */
const mostOpen = 2;

describe("the requirements", () => {
  const ids = requirements.map(({ id }) => id);

  it("have ids that nobody else has", () => {
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.filter((id) => !/^TW-[A-Z]+-\d{3}$/.test(id))).toEqual([]);
  });

  it("are sentences of protocol.md that have their ids behind them, in the section that they name", () => {
    const missing = requirements.filter(
      ({ id, section, sentence }) =>
        !marks.some(
          (mark) =>
            mark.section === section &&
            mark.ids.includes(id) &&
            words(mark.text).includes(words(sentence)),
        ),
    );
    expect(missing.map(({ id, sentence }) => `${id}: ${sentence}`)).toEqual([]);
  });

  it("check something", () => {
    const idle = requirements.filter(({ check, watches }) => !check && !watches);
    expect(idle.map(({ id }) => id)).toEqual([]);
  });
});

describe("each sentence of protocol.md's sections 1 to 9", () => {
  it("has behind it the id of its requirement, or a comment that says why it has none", () => {
    const without = marks.filter(({ ids, unchecked }) => ids.length === 0 && !unchecked);
    expect(without.map(({ text }) => `write an id behind it and its check: ${text}`)).toEqual([]);
  });

  it("shares its ids with no sentence before it", () => {
    const several = marks.filter(
      ({ ids, text }) =>
        ids.length > 0 &&
        sentencesIn(text) > 1 &&
        !requirements.some(
          ({ id, sentence }) => ids.includes(id) && words(sentence) === words(text),
        ),
    );
    expect(several.map(({ ids, text }) => `${ids.join(", ")}: ${text}`)).toEqual([]);
  });

  it("has an id that there is", () => {
    const known = new Set(requirements.map(({ id }) => id));
    expect(marks.flatMap((mark) => mark.ids.filter((id) => !known.has(id)))).toEqual([]);
  });

  it("is counted by the comment, where it has no id", () => {
    const wrong = marks.filter(
      ({ unchecked, text }) =>
        unchecked && (unchecked.count !== sentencesIn(text) || !reasons.includes(unchecked.reason)),
    );
    const told = wrong.map(({ text, unchecked }) => [unchecked, sentencesIn(text), text]);
    expect(told, "give the new sentence an id and a check, or count it with its reason").toEqual(
      [],
    );
  });

  it("has a check if it can be seen from outside, with these exceptions", () => {
    const open = marks.reduce(
      (sum, { unchecked }) => sum + (unchecked?.reason === "open" ? unchecked.count : 0),
      0,
    );
    expect(open, "lower `mostOpen` with each new check, and never raise it").toBe(mostOpen);
  });
});

describe("what is found in a page", () => {
  const found = (...lines: string[]) => marksOf(["## 1. One", ...lines].join("\n"));

  it("is each stretch of text with what stands behind it", () => {
    expect(found("A. B! [TW-A-001] [TW-B-002] C. <!-- unchecked 1: words --> D.")).toEqual([
      { section: 1, text: "A. B!", ids: ["TW-A-001", "TW-B-002"] },
      { section: 1, text: "C.", ids: [], unchecked: { count: 1, reason: "words" } },
      { section: 1, text: "D.", ids: [] },
    ]);
  });

  it("is nothing of headings, heads of tables and generated regions", () => {
    const table = ["| a | b |", "| --- | --- |", "| `x` | It is. [TW-A-001] |"];
    const generated = ["<!-- generated: x -->", "Text.", "<!-- /generated -->"];
    expect(found("### Head.", ...table, ...generated)).toEqual([
      { section: 1, text: "| `x` | It is.", ids: ["TW-A-001"] },
    ]);
  });

  it("counts a sentence that has no end of its own", () => {
    expect([sentencesIn("One. Two (such as `a.b`). Three:"), sentencesIn("")]).toEqual([3, 0]);
  });
});
