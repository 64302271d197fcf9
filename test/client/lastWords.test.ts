import { describe, expect, it } from "vitest";
import { lastWords } from "../../src/client/lastWords.js";

const stack = [
  "/opt/turnwire/dist/main.cjs:81",
  "    throw new TypeError('x is not a function');",
  "    ^",
  "",
  "TypeError: x is not a function",
  "    at main (/opt/turnwire/dist/main.cjs:81:7)",
  "",
  "Node.js v22.12.0",
];

describe("the last words of a program", () => {
  it.each<[string, readonly string[], string]>([
    ["its own complaint, without its name", ["turnwire: no such folder: /d"], "no such folder: /d"],
    ["the newest complaint", ["turnwire: first", "turnwire: second", "more"], "second"],
    ["a complaint rather than an error", ["turnwire: no memory", ...stack], "no memory"],
    ["the error that nobody caught", stack, "TypeError: x is not a function"],
    ["the last line that is no log record", ["what", "why", '{"level":30,"msg":"ended"}'], "why"],
    ["nothing, where all is log", ['{"level":30,"msg":"ended"}'], ""],
    ["nothing, where there is nothing", [], ""],
  ])("are %s", (_, lines, words) => {
    expect(lastWords(lines.map((line) => `${line}\n`).join(""))).toBe(words);
    expect(lastWords(lines.map((line) => `${line}\r\n`).join(""))).toBe(words);
  });

  it("are cut where they are long", () => {
    expect(lastWords(`turnwire: ${"x".repeat(500)}`)).toBe("x".repeat(500));
    expect(lastWords(`turnwire: ${"x".repeat(501)}`)).toBe(`${"x".repeat(500)}…`);
  });
});
