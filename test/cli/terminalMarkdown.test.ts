import { expect, it } from "vitest";
import { TerminalMarkdown } from "../../src/cli/terminalMarkdown.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

/** What a terminal is sent for a reply that comes in pieces. */
function shown(text: string, { isColored = true, pieces = 7, width = 60 } = {}): string {
  const markdown = new TerminalMarkdown({ width: () => width, isColored });
  let out = "";
  for (let at = 0; at < text.length; at += pieces)
    out += markdown.push(text.slice(at, at + pieces));
  return out + markdown.finish();
}

it("shows headings, emphasis, lists and code, and wraps by what characters take on the screen", () => {
  const text = "# Title\n\nSome **bold** text\n\n1. one\n2. two\n\n```js\nconst a = 1;\n```\n";
  const out = shown(text);
  expect(out).toContain("\u001b[1mbold\u001b[22m text\n");
  expect(out).toContain("const a = 1;");
  expect(out).not.toContain("```");
  expect(shown(text, { isColored: false })).toBe(
    "Title\n\nSome bold text\n\n1. one\n2. two\n\nconst a = 1;\n",
  );
  const wide = shown("表 ".repeat(30), { width: 20 });
  for (const line of wide.trimEnd().split("\n")) expect(line.trim().length).toBeLessThanOrEqual(14);
});

it("comes out the same however it is cut into pieces", () => {
  const text =
    "para one\n\n- a\n- **b**\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n\nmore\n```\nend";
  const whole = shown(text, { pieces: 10_000 });
  for (const pieces of [1, 2, 3, 11]) expect(shown(text, { pieces })).toBe(whole);
});

it("takes a carriage return before a line feed for a line's end, however it is cut", () => {
  for (const pieces of [1, 2, 3]) {
    expect(shown("one\r\n\r\ntwo\r\n", { pieces })).toBe("one\n\ntwo\n");
  }
  expect(shown("one\r")).toContain("␍");
});

it.each([
  ["an escape", "a \u001b]0;title\u0007 b"],
  ["eight-bit controls", "a \u009b31m b"],
  ["a carriage return", "safe\rEVIL"],
  ["a reference by number", "a &#27;[8mhidden &#x1B;]52;c;x&#7; b"],
  ["a reference without its end", "a &#27[2J"],
  ["a reference in a link", "[x&#27;[2Jy](http://a/ 't&#x9b;31m')"],
  ["a reference in a table", "| &#27;[2J |\n|---|\n| &#155;2J |\n"],
  ["turned text", "a \u202e&#x202e;&rlm; b"],
  ["a backspace", "rm\b\b ls"],
  ["code", "`\u001b[2J` and\n```\u001b[2J\n\u001b[2J\n```\n"],
  ["nested quotes", `${">".repeat(5000)}\u001b[2J`],
])("sends the terminal no order: %s", (_, text) => {
  for (const pieces of [1, 5, 100_000]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the styles.
    const rest = shown(text, { pieces }).replaceAll(/\u001b\[(?:[1-4]|2[2-4]|35|39)m/g, "");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
    expect(rest).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e]/);
  }
});

it.each([
  ["**a", 20_000],
  ["~~a", 20_000],
  ["[a](", 20_000],
  ["<a ", 20_000],
  ["| a ", 20_000],
  ["```\n", 5000],
  ["- ", 20_000],
  ["x", 200_000],
])("does not hang on %j, %i times", async (piece, times) => {
  const show = () => expect(shown(piece.repeat(times), { pieces: 1000 })).not.toBe("");
  expect(await cpuTimeOf(show)).toBeLessThan(onThisMachine(5000));
});
