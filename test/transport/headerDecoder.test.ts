import { describe, expect, it, vi } from "vitest";
import { type Frame, wholeFrame } from "../../src/transport/framing.js";
import { HeaderDecoder } from "../../src/transport/headerDecoder.js";

/** The texts of the frames, or the names of what is wrong with them. */
function decode(input: string | Buffer, options: { max?: number; cut?: number } = {}): string[] {
  const frames: Frame[] = [];
  const decoder = new HeaderDecoder({
    maxMessageBytes: options.max ?? 1000,
    onFrame: (frame) => frames.push(wholeFrame(frame)),
  });
  const bytes = Buffer.from(input);
  const cut = options.cut ?? (bytes.length || 1);
  for (let at = 0; at < bytes.length; at += cut) decoder.push(bytes.subarray(at, at + cut));
  decoder.end();
  return frames.map((frame) => (frame.kind === "text" ? frame.text : frame.name));
}

const frame = (text: string) => `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
const good = frame('{"good":"é"}');
const goodText = '{"good":"é"}';

describe.each([{ cut: 1 }, { cut: 7 }, { cut: 100_000 }])("in chunks of $cut bytes", ({ cut }) => {
  it.each([
    ["frames back to back", good + good, [goodText, goodText]],
    ["a header in another case", "content-LENGTH:2\r\n\r\n{}", ["{}"]],
    ["other headers, before and behind", `X-A: b\r\nContent-Length: 2\r\nC-D:\r\n\r\n{}`, ["{}"]],
    ["bare newlines for line ends", "Content-Length: 2\n\n{}", ["{}"]],
    ["blank lines between frames", `\r\n\n${good}\r\n\r\n${good}`, [goodText, goodText]],
    ["the last of two usable lengths", "Content-Length: x\r\nContent-Length: 2\r\n\r\n{}", ["{}"]],
  ])("%s is read", (_, input, expected) => {
    expect(decode(input, { cut })).toEqual(expected);
  });

  it.each([
    ["no length", "X-A: b\r\n\r\n"],
    ["a negative length", "Content-Length: -5\r\n\r\n"],
    ["a length that is no number", "Content-Length: many\r\n\r\n"],
    ["a fractional length", "Content-Length: 5.0\r\n\r\n"],
    ["absurdly many digits", `Content-Length: ${"9".repeat(40)}\r\n\r\n`],
    ["a length that no number holds exactly", "Content-Length: 9999999999999999\r\n\r\n"],
    ["a body alone", '{"jsonrpc":"2.0"}\n'],
    ["an empty body", "Content-Length: 0\r\n\r\n"],
    ["a body that is not UTF-8", Buffer.from("Content-Length: 2\r\n\r\n\xff\xfe", "latin1")],
  ])("%s is one parse error, and the frame behind it is read", (_, bad) => {
    const input = Buffer.concat([Buffer.from(bad), Buffer.from(good)]);
    expect(decode(input, { cut })).toEqual(["ParseError", goodText]);
  });

  it("a bad block that was followed by its body does not hide the frame behind it", () => {
    expect(decode(`Content-Length: x\r\n\r\n{"a":"Content-Length: 7"}${good}`, { cut })).toEqual([
      "ParseError",
      goodText,
    ]);
  });

  it("a body longer than announced costs one parse error for what is left of it", () => {
    for (const rest of ["}", "rest", "a: b", "Content-Length: 3"]) {
      expect(decode(`Content-Length: 2\r\n\r\n{}${rest}${good}`, { cut })).toEqual([
        "{}",
        "ParseError",
        goodText,
      ]);
    }
  });

  it("an endless header block is given up at 16 KiB, in one line or in many", () => {
    const line = "x".repeat(100_000);
    const lines = "X-Header: x\r\n".repeat(10_000);
    expect(decode(`${line}\r\n\r\n${good}`, { cut })).toEqual(["ParseError", goodText]);
    expect(decode(`${lines}${good}`, { cut })).toEqual(["ParseError", goodText]);
  });

  it("a body over the limit is skipped, and the frame behind it is read", () => {
    expect(decode(frame("x".repeat(1001)) + good, { cut })).toEqual(["MessageTooLarge", goodText]);
    expect(decode(frame("x".repeat(1000)) + good, { cut })).toEqual(["x".repeat(1000), goodText]);
  });

  it("an input that ends inside a message is a parse error", () => {
    expect(decode(good.slice(0, -1), { cut })).toEqual(["ParseError"]);
    expect(decode("Content-Length: 5\r\n", { cut })).toEqual(["ParseError"]);
    expect(decode("Content-Le", { cut })).toEqual(["ParseError"]);
    expect(decode(`${good}\r\n`, { cut })).toEqual([goodText]);
  });
});

it("a body of 5 GB is refused at its announcement, before any of it came", () => {
  expect(decode("Content-Length: 5368709120\r\n\r\n")).toEqual(["MessageTooLarge"]);
});

it("what an endless header block or a skipped body sends is not held in memory", () => {
  const decoder = new HeaderDecoder({ maxMessageBytes: 1000, onFrame: () => {} });
  const bytes = () => Buffer.alloc(1024 * 1024, "x");
  const before = process.memoryUsage();
  decoder.push(Buffer.from("Content-Length: 268435456\r\n\r\n"));
  for (let sent = 0; sent < 256; sent++) decoder.push(bytes());
  for (let sent = 0; sent < 256; sent++) decoder.push(bytes());
  const after = process.memoryUsage();
  // 512 MiB went through; buffers that only wait for their collection may still be counted.
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(256 * 1024 * 1024);
});

it("a message of 64 MiB in chunks of 64 KiB is joined once, not at each chunk", () => {
  const size = 64 * 1024 * 1024;
  const concat = vi.spyOn(Buffer, "concat");
  try {
    let received = 0;
    const decoder = new HeaderDecoder({
      maxMessageBytes: size,
      onFrame: (frame) => {
        received = frame.kind === "large" ? frame.bytes.length : -1;
      },
    });
    const chunk = Buffer.alloc(64 * 1024, "x");
    decoder.push(Buffer.from(`Content-Length: ${size}\r\n\r\n`));
    for (let sent = 0; sent < size; sent += chunk.length) decoder.push(chunk);
    expect(received).toBe(size);
    const copied = concat.mock.results.reduce((sum, { value }) => sum + value.length, 0);
    expect(copied).toBeLessThan(size + 1024);
  } finally {
    concat.mockRestore();
  }
});
