import fc from "fast-check";
import { expect, test } from "vitest";
import { type Line, LineSplitter } from "../../src/base/lineSplitter.js";

/** What is told of lines. */
const told = (lines: Iterable<Line>): Line[] =>
  [...lines].map(({ text, omittedBytes }) => ({ text, omittedBytes }));

function split(maxBytes: number, chunks: readonly (string | Uint8Array)[]): Line[] {
  const splitter = new LineSplitter(maxBytes);
  const lines = chunks.flatMap((chunk) => [...splitter.push(Buffer.from(chunk))]);
  return told([...lines, ...splitter.end()]);
}

const whole = (text: string): Line => ({ text, omittedBytes: 0 });

test("lines come out as they went in, however they are cut into chunks", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }).filter((line) => /^[^\r\n]*$/.test(line))),
      fc.integer({ min: 1, max: 7 }),
      (lines, size) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        expect(split(1_000_000, chunks)).toEqual(lines.map(whole));
      },
    ),
  );
});

test("a line may end with CRLF, and the last one without any end", () => {
  expect(split(100, ["a\r\n\nb\nc"])).toEqual(["a", "", "b", "c"].map(whole));
  expect(split(100, ["a\r", "\nb\r"])).toEqual(["a", "b"].map(whole));
});

test("of a line that is too long the beginning is given, and the next line is whole", () => {
  const splitter = new LineSplitter(4);
  expect([...splitter.push(Buffer.from("abc"))]).toEqual([]);
  expect(splitter.isOverLimit).toBe(false);
  expect([...splitter.push(Buffer.from("def"))]).toEqual([]);
  expect(splitter.isOverLimit).toBe(true);
  expect(told(splitter.push(Buffer.from("ghi\njkl\n")))).toEqual([
    { text: "abcd", omittedBytes: 5 },
    whole("jkl"),
  ]);
  expect(splitter.isOverLimit).toBe(false);
});

test("a line is never cut inside a character", () => {
  expect(split(4, ["abcé\n"])).toEqual([{ text: "abc", omittedBytes: 1 }]);
});

test("what is kept of a line does not change when the caller reuses its buffer", () => {
  const splitter = new LineSplitter(100);
  const buffer = Buffer.from("ab");
  expect([...splitter.push(buffer)]).toEqual([]);
  buffer.write("XY");
  expect(told(splitter.push(Buffer.from("cd\n")))).toEqual([whole("abcd")]);
});
