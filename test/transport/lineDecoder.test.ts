import { describe, expect, it } from "vitest";
import { type Frame, wholeFrame } from "../../src/transport/framing.js";
import { LineDecoder } from "../../src/transport/lineDecoder.js";

/** The texts of the frames, or the names of what is wrong with them. */
function decode(input: string | Buffer, cut: number): string[] {
  const frames: Frame[] = [];
  const decoder = new LineDecoder({
    maxMessageBytes: 10,
    onFrame: (frame) => frames.push(wholeFrame(frame)),
  });
  const bytes = Buffer.from(input);
  for (let at = 0; at < bytes.length; at += cut) decoder.push(bytes.subarray(at, at + cut));
  decoder.end();
  return frames.map((frame) => (frame.kind === "text" ? frame.text : frame.name));
}

describe.each([{ cut: 1 }, { cut: 3 }, { cut: 100_000 }])("in chunks of $cut bytes", ({ cut }) => {
  it.each([
    ["lines", "{}\n[1]\n", ["{}", "[1]"]],
    ["carriage returns before newlines", "{}\r\n[1]\r\n", ["{}", "[1]"]],
    ["blank lines", "\n \t\r\n{}\n\n\n\r\n[]\n\n", ["{}", "[]"]],
    ["a last line without newline", "{}\n[1]", ["{}", "[1]"]],
    ["a byte-order mark", "\uFEFF{}\n", ["{}"]],
    ["a line as long as the limit", "0123456789\r\n{}\n", ["0123456789", "{}"]],
    ["a line over the limit", "0123456789a\n{}\n", ["MessageTooLarge", "{}"]],
    ["a line far over the limit", `${"x".repeat(5000)}\n{}\n`, ["MessageTooLarge", "{}"]],
    ["an over-long line at the end", `{}\n${"x".repeat(50)}`, ["{}", "MessageTooLarge"]],
    ["characters of several bytes", '"é€"\n"😀"\n', ['"é€"', '"😀"']],
    ["nothing", "", []],
  ])("%s", (_, input, expected) => {
    expect(decode(input, cut)).toEqual(expected);
  });

  it("a line that is not UTF-8 is a parse error, and the next one is read", () => {
    expect(decode(Buffer.from('"\xff"\n{}\n', "latin1"), cut)).toEqual(["ParseError", "{}"]);
  });
});

it("a line over the limit is told before it has ended, and once", () => {
  const frames: Frame[] = [];
  const decoder = new LineDecoder({
    maxMessageBytes: 10,
    onFrame: (frame) => frames.push(wholeFrame(frame)),
  });
  for (let sent = 0; sent < 100; sent++) decoder.push(Buffer.alloc(1024, "x"));
  expect(frames).toMatchObject([{ kind: "bad", name: "MessageTooLarge" }]);
});
