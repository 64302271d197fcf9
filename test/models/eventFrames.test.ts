import { describe, expect, it } from "vitest";
import { EventFrames } from "../../src/models/eventFrames.js";
import { awsEvent, awsException, awsFrame } from "../helpers/awsFrames.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

/** The frames that come out when bytes go in, in these pieces. */
async function framesOf(pieces: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  for await (const frame of stream.pipeThrough(new EventFrames())) frames.push(frame);
  return frames;
}

const inPieces = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

describe("frames of an event stream", () => {
  const events = [awsEvent("a", { n: 1 }), awsEvent("b", { text: "zażółć 🐢" }), awsEvent("c", {})];
  const all = Buffer.concat(events);

  it.each([1, 2, 3, 5, 16, 100, 10_000])("come whole out of pieces of %i bytes", async (size) => {
    const frames = await framesOf(inPieces(all, size));
    expect(frames.map((frame) => Buffer.from(frame))).toEqual(events);
  });

  it("are dropped where they are cut at the end", async () => {
    expect(await framesOf([all.subarray(0, all.length - 1)])).toHaveLength(2);
  });

  it.each([0, 5, 8, 14, 40, all.length - 1])("with a wrong byte at %i are refused", async (at) => {
    const broken = Buffer.from(all);
    broken.writeUInt8(broken.readUInt8(at) ^ 0x40, at);
    await expect(framesOf([broken])).rejects.toThrow(/frame of the event stream/);
  });

  it.each([0, 15, 0x7fff_ffff, 0xffff_ffff])("of %i bytes are refused at once", async (length) => {
    const start = Buffer.alloc(8);
    start.writeUInt32BE(length);
    await expect(framesOf([start])).rejects.toThrow(`it has ${length} bytes`);
  });

  it("that say what went wrong end the stream with its name", async () => {
    const refused = framesOf([events[0] ?? all, awsException("throttlingException", "slow down")]);
    await expect(refused).rejects.toMatchObject({
      data: { type: "throttlingException", message: "slow down" },
    });
    const headers = { ":message-type": "error", ":error-code": "Bad", ":error-message": "why" };
    await expect(framesOf([awsFrame(headers, "")])).rejects.toMatchObject({
      data: { type: "Bad", message: "why" },
    });
  });

  it("in a million small pieces are put together once", async () => {
    const large = awsEvent("a", { text: "x".repeat(1_000_000) });
    const read = async () => expect(await framesOf(inPieces(large, 16))).toHaveLength(1);
    expect(await cpuTimeOf(read, 1)).toBeLessThan(onThisMachine(5_000));
  });
});
