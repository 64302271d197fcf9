import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, type Frame, type Framing, wholeFrame } from "../../src/transport/framing.js";
import { InputDecoder } from "../../src/transport/inputDecoder.js";

function decode(chunks: readonly Buffer[], framing: Framing | "auto" = "auto") {
  const frames: Frame[] = [];
  const framings: Framing[] = [];
  const decoder = new InputDecoder({
    framing,
    maxMessageBytes: 100_000,
    onFrame: (frame) => frames.push(wholeFrame(frame)),
    onFraming: (detected) => framings.push(detected),
  });
  for (const chunk of chunks) decoder.push(chunk);
  decoder.end();
  const texts = frames.map((frame) => (frame.kind === "text" ? frame.text : frame.name));
  return { texts, framings };
}

describe("the framing is detected", () => {
  it.each([
    ["an object", '{"a":1}\n', "ndjson", ['{"a":1}']],
    ["an array", "[]\n", "ndjson", ["[]"]],
    ["a header", "Content-Length: 2\r\n\r\n{}", "header", ["{}"]],
    ["a header in small letters", "content-length: 2\r\n\r\n{}", "header", ["{}"]],
    ["blank lines, then an object", "\r\n \n\t{}\n", "ndjson", ["{}"]],
    ["blank lines, then a header", "\n\r\nContent-Length: 2\r\n\r\n{}", "header", ["{}"]],
    ["a byte-order mark, then an object", "\uFEFF{}\n", "ndjson", ["{}"]],
    ["a byte-order mark, then a header", "\uFEFFContent-Length: 2\r\n\r\n{}", "header", ["{}"]],
    ["anything else", "hello\r\n", "header", ["ParseError"]],
  ])("from %s", (_, input, framing, texts) => {
    const bytes = Buffer.from(input);
    const byteByByte = [...bytes].map((byte) => Buffer.from([byte]));
    expect(decode([bytes])).toEqual({ framings: [framing], texts });
    expect(decode(byteByByte)).toEqual({ framings: [framing], texts });
  });

  it("from nothing not at all", () => {
    expect(decode([])).toEqual({ framings: [], texts: [] });
    expect(decode([Buffer.from(" \r\n")])).toEqual({ framings: [], texts: [] });
  });

  it("not at all where it is given", () => {
    expect(decode([Buffer.from("hello\n{}\n")], "ndjson")).toEqual({
      framings: ["ndjson"],
      texts: ["hello", "{}"],
    });
  });
});

const message = fc
  .record({ method: fc.string({ unit: "grapheme" }), params: fc.jsonValue() })
  .map((value) => JSON.stringify(value));

/** Cuts `bytes` at arbitrary places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length];
  let start = 0;
  return ends
    .sort((a, b) => a - b)
    .map((end) => {
      const chunk = bytes.subarray(start, end);
      start = end;
      return chunk;
    });
}

describe.each(["header", "ndjson"] as const)("%s", (framing) => {
  it("any messages in any chunks are the same messages", () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1 }), fc.array(fc.nat()), (messages, places) => {
        const bytes = Buffer.from(messages.map((text) => encodeFrame(framing, text)).join(""));
        expect(decode(cut(bytes, places))).toEqual({ framings: [framing], texts: messages });
      }),
    );
  });

  it("any bytes in any chunks never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.array(fc.nat()), (bytes, places) => {
        decode(cut(Buffer.from(bytes), places), framing);
      }),
    );
  });
});

it("any garbage lines between ndjson messages leave every message readable", () => {
  const garbage = fc
    .uint8Array({ maxLength: 50 })
    .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x0a)));
  const pair = fc.tuple(garbage, message);
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1 }), fc.array(fc.nat()), (pairs, places) => {
      const newline = Buffer.from("\n");
      const bytes = Buffer.concat(
        pairs.flatMap(([line, text]) => [line, newline, Buffer.from(text), newline]),
      );
      const messages = pairs.map(([, text]) => text);
      const { texts } = decode(cut(bytes, places), "ndjson");
      // Garbage may be readable by chance, so the messages are sought in their order.
      let found = 0;
      for (const text of texts) if (text === messages[found]) found++;
      expect(found).toBe(messages.length);
    }),
  );
});
