// Our reader of events of JSON beside the packages' own.
import { parseJsonEventStream, safeParseJSON } from "@ai-sdk/provider-utils";
import fc from "fast-check";
import { expect, it } from "vitest";
import { z } from "zod";
import { jsonEvents } from "../../src/models/jsonEvents.js";

const schema = z.object({ a: z.number() });
const parse = (text: string) => safeParseJSON({ text, schema });

const lines = fc.constantFrom(
  'data: {"a":1}',
  'data:{"a":2}',
  'data: {"a":"no number"}',
  'data: {"a":3,',
  'data: "b":"ü€𝄞"}',
  "data: [DONE]",
  "data:",
  "data",
  ": a comment",
  "event: ping",
  "id: 7",
  "retry: 10",
  "nonsense",
  "\uFEFFdata: {}",
  "",
  "",
);
const ends = fc.constantFrom("\n", "\n", "\r\n", "\r");
const texts = fc
  .array(fc.tuple(lines, ends), { maxLength: 40 })
  .map((all) => all.map((one) => one.join("")).join(""));

function streamOf(bytes: Uint8Array, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  places.sort((one, other) => one - other);
  const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

async function all<T>(stream: ReadableStream<T>): Promise<string[]> {
  const read: string[] = [];
  for await (const one of stream) read.push(JSON.stringify(one));
  return read;
}

it("reads what the packages read, however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.array(fc.nat()), async (text, cuts) => {
      const bytes = Buffer.from(text);
      const ours = await all(jsonEvents(streamOf(bytes, cuts), parse));
      const theirs = await all(parseJsonEventStream({ stream: streamOf(bytes, cuts), schema }));
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 300 },
  );
});

/** A source that counts what is taken from it, and never ends by itself. */
function endless() {
  const told = { taken: 0, cancelled: undefined as unknown };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        told.taken++;
        controller.enqueue(Buffer.from('data: {"a":1}\n\ndata: {"a":2}\n\n'));
      },
      cancel(reason) {
        told.cancelled = reason;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, told };
}

it("takes no more than somebody waits for, and cancels what it reads", async () => {
  const { stream, told } = endless();
  const reader = jsonEvents(stream, parse).getReader();
  expect(told.taken).toBe(0);
  for (const a of [1, 2, 1]) {
    expect((await reader.read()).value).toMatchObject({ success: true, value: { a } });
  }
  expect(told.taken).toBe(2);
  await reader.cancel("enough");
  expect(told.cancelled).toBe("enough");
});

it("ends with the error of its source, behind what came before it", async () => {
  const broken = new Error("broken");
  const steps = [
    (controller: ReadableStreamDefaultController) =>
      controller.enqueue(Buffer.from("data: {}\n\n")),
    (controller: ReadableStreamDefaultController) => controller.error(broken),
  ];
  const source = new ReadableStream({ pull: (controller) => steps.shift()?.(controller) });
  const reader = jsonEvents(source, (text) => text).getReader();
  expect(await reader.read()).toEqual({ done: false, value: "{}" });
  await expect(reader.read()).rejects.toBe(broken);
});

it("ends with what its parser rejects with, and lets go of its source", async () => {
  const { stream, told } = endless();
  const refused = new Error("refused");
  const reader = jsonEvents(stream, () => Promise.reject(refused)).getReader();
  await expect(reader.read()).rejects.toBe(refused);
  expect(told.cancelled).toBe(refused);
});
