import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { JsonLines, type JsonOfLine } from "../../src/base/jsonLines.js";
import { LineSplitter } from "../../src/base/lineSplitter.js";
import { longestHold, onThisMachine } from "../helpers/longestHold.js";

/** Reads a stream of lines; gives what was taken of them, and whether the stream was paused for it. */
function reading() {
  const stream = new PassThrough();
  const lines = new JsonLines(stream);
  const splitter = new LineSplitter(100_000_000);
  const taken: JsonOfLine[] = [];
  stream.on("data", (chunk: Uint8Array) => {
    for (const line of splitter.push(chunk)) lines.read(line, (json) => taken.push(json));
  });
  const pauses: unknown[] = [];
  stream.on("pause", () => pauses.push(taken.length));
  return { stream, lines, taken, pauses };
}

const long = JSON.stringify("x".repeat(200_000));
const nested = (depth: number) =>
  `["${"x".repeat(200_000)}",${"[".repeat(depth)}${"]".repeat(depth)}]`;

it("values come in the order of their lines, and nothing more is read during a long one", async () => {
  const { stream, lines, taken, pauses } = reading();
  stream.write(`1\n${long}\n2\nno JSON\n[${long}\n${long}\n3\n`);
  expect(taken).toHaveLength(1);
  await lines.done();
  stream.write("4\n");
  expect(taken.map((json) => json.ok && json.value)).toEqual([
    ...[1, JSON.parse(long), 2, false, false, JSON.parse(long), 3, 4],
  ]);
  expect(pauses[0]).toBe(1);
  expect(stream.isPaused()).toBe(false);
});

it("a long value is told with its depth if it is deep", async () => {
  const { stream, lines, taken } = reading();
  stream.write([1, 199, 200, 4_000].map((depth) => `${nested(depth)}\n`).join(""));
  await lines.done();
  expect(taken.map((json) => json.ok && (json.depth ?? 0) > 200)).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

it.each([
  ["empty objects", `[${"{},".repeat(1_000_000)}1]`],
  ["brackets", "[".repeat(4_000_000)],
  ["one text", JSON.stringify("я".repeat(8_000_000))],
])("a line of megabytes of %s holds nothing up", async (_, line) => {
  const bytes = Buffer.from(`${line}\n`);
  const read = async () => {
    const { stream, lines, taken } = reading();
    for (let at = 0; at < bytes.length; at += 65_536) stream.write(bytes.subarray(at, at + 65_536));
    await lines.done();
    expect(taken).toHaveLength(1);
  };
  await longestHold(read);
  expect(await longestHold(read)).toBeLessThan(onThisMachine(100, 32));
});
