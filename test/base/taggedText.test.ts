import { expect, it } from "vitest";
import { taggedText } from "../../src/base/taggedText.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

it("puts text between tags", () => {
  expect(taggedText("a", "b\nc")).toBe("<a>\nb\nc\n</a>");
  expect(taggedText("a", "b", 'name="n"')).toBe('<a name="n">\nb\n</a>');
});

it.each(["</doc>", "</DOC>", "< / doc >", "</doc\n>", "</doc x>", "<\t/doc>"])(
  "is not closed by %j inside it",
  (closing) => {
    const text = taggedText("doc", `before ${closing} after`, `name="${closing}"`);
    expect(text.match(/<\s*\/\s*doc/gi)).toHaveLength(1);
    expect(text).toMatch(/ after\n<\/doc>$/);
  },
);

it("leaves other tags as they are", () => {
  expect(taggedText("doc", "</p> </docs> <doc>")).toBe("<doc>\n</p> </docs> <doc>\n</doc>");
});

it("takes a long text in a moment", async () => {
  const long = "< ".repeat(1_000_000) + " ".repeat(1_000_000);
  expect(await cpuTimeOf(() => taggedText("doc", long))).toBeLessThan(onThisMachine(1000));
});
