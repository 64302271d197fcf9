import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter } from "../../src/base/lineSplitter.js";

function split(mostBytes: number, chunks: readonly (string | Uint8Array)[]): [string, boolean][] {
  const lines: [string, boolean][] = [];
  const splitter = new LineSplitter(mostBytes, (line, isCut) => lines.push([line, isCut]));
  for (const chunk of chunks) splitter.add(Buffer.from(chunk));
  splitter.end();
  return lines;
}

test("lines come out as they went in, however they are cut into chunks", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }).filter((line) => /^[^\r\n]+$/.test(line))),
      fc.integer({ min: 1, max: 7 }),
      (lines, size) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        expect(split(1_000_000, chunks)).toEqual(lines.map((line) => [line, false]));
      },
    ),
  );
});

test("the end of a line may be CRLF, and empty lines are nothing", () => {
  expect(split(100, ["a\r\n\nb\n"])).toEqual([
    ["a", false],
    ["b", false],
  ]);
});

test("a line that is too long is told at once, cut, and the next one is whole", () => {
  const lines: [string, boolean][] = [];
  const splitter = new LineSplitter(4, (line, isCut) => lines.push([line, isCut]));
  splitter.add(Buffer.from("abc"));
  splitter.add(Buffer.from("def"));
  expect(lines).toEqual([["abcd", true]]);
  splitter.add(Buffer.from("ghi\njkl\n"));
  expect(lines).toEqual([
    ["abcd", true],
    ["jkl", false],
  ]);
});
