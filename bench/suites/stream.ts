// What reading a model's stream costs, stage by stage: the stages are those of which the provider's
// package that wrappers use most makes its own, each added to the one before. The floor reads the
// same answer by hand. The provider's own time is taken off.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, safeParseJSON } from "@ai-sdk/provider-utils";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { z } from "zod";
import { defined } from "../../src/base/defined.js";
import { Provider } from "../contestants.js";
import { type BenchContext, type Findings, median, type Row, type Suite } from "../measure.js";
import { textOf } from "../programs/chunks.js";

export const stream: Suite = { name: "stream", run };

const floorNote = "floor: by hand";
const count = 10_000;
const expected = textOf(count, 20);
/** The chunks, the reason for the end, and the usage. */
const values = count + 2;

/** One way to read the answer. */
interface Reading {
  readonly what: string;
  /** Reads all of it; throws where something is missing. */
  read(baseUrl: string): Promise<void>;
}

type Bytes = ReadableStream<Uint8Array>;

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const readings = [byHand, ...stages(await chunkSchema()), ...calls];
  const samples = readings.map(() => [] as number[]);
  const warmUps = 2;
  for (let round = -warmUps; round < (context.isQuick ? 3 : 9); round++) {
    for (const [index, reading] of readings.entries()) {
      const ms = await netTime(reading, provider);
      if (round >= 0) samples[index]?.push(ms);
    }
  }
  await provider.end();
  const medians = samples.map(median);
  const [floor = Number.NaN] = medians;
  const rows = readings.map(({ what }, index): Row => {
    const ours = medians[index] ?? Number.NaN;
    const more = ours - (medians[index - 1] ?? 0);
    const note = what.startsWith("+") ? `${more.toFixed(1)} more; ${floorNote}` : floorNote;
    const row = { suite: "stream", what: `10,000 chunks: ${what}`, unit: "ms", note } as const;
    return { ...row, ours, floor, rule: { kind: "told" } };
  });
  return { rows: rows.slice(1) };
}

async function netTime(reading: Reading, provider: Provider): Promise<number> {
  const begun = performance.now();
  await reading.read(provider.baseUrl);
  const ms = performance.now() - begun;
  const [own = 0] = await provider.takeTimes();
  return ms - own;
}

const prompt = `chunks ${count} 20`;

async function open(baseUrl: string): Promise<Bytes> {
  const messages = [{ role: "user", content: prompt }];
  const { body } = await fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "bench-1", stream: true, messages }),
  });
  if (body === null) throw new Error("the answer has no body");
  return body;
}

/** Reads to the end, as the server's loop reads. */
async function drain<T>(source: ReadableStream<T>, take: (value: T) => void): Promise<void> {
  const reader = source.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    take(value);
  }
}

function mustBe(found: unknown, wanted: unknown, what: string): void {
  if (found !== wanted) throw new Error(`${what}: what was read is not what was sent`);
}

const byHand: Reading = {
  what: "by hand",
  async read(baseUrl) {
    const decoder = new TextDecoder();
    let text = "";
    let rest = "";
    await drain(await open(baseUrl), (bytes) => {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("data: {")) {
          text += JSON.parse(line.slice(6)).choices[0]?.delta.content ?? "";
        }
      }
    });
    mustBe(text, expected, byHand.what);
  },
};

/** The stages, the first alone, the last with all that go before it. */
function stages(schema: z.ZodType): Reading[] {
  const unchecked = jsonSchema<unknown>({}, { validate: promised });
  return [
    stage("the bytes alone", (body) => body),
    stage("+ a stream around them", wrapped),
    stage("+ TextDecoderStream", decoded),
    stage("+ EventSourceParserStream", events, values + 1),
    stage("+ JSON.parse in a TransformStream", (body) => parsed(body), values),
    stage("+ a check that checks nothing", (body) => parsed(body, unchecked), values),
    stage("+ zod instead of it", (body) => parsed(body, schema), values),
  ];
}

function stage<T>(
  what: string,
  build: (body: Bytes) => ReadableStream<T>,
  wanted?: number,
): Reading {
  const read = async (baseUrl: string) => {
    let seen = 0;
    await drain(build(await open(baseUrl)), () => seen++);
    if (wanted !== undefined) mustBe(seen, wanted, what);
  };
  return { what, read };
}

/** The package does so to give errors of the network a name. */
function wrapped(body: Bytes): Bytes {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

const decoded = (body: Bytes) => wrapped(body).pipeThrough(new TextDecoderStream());
const events = (body: Bytes) => decoded(body).pipeThrough(new EventSourceParserStream());

function parsed(body: Bytes, schema?: Parameters<typeof safeParseJSON<unknown>>[0]["schema"]) {
  return events(body).pipeThrough(
    new TransformStream({
      async transform({ data }, controller) {
        if (data === "[DONE]") return;
        controller.enqueue(
          await (schema === undefined
            ? safeParseJSON({ text: data })
            : safeParseJSON({ text: data, schema })),
        );
      },
    }),
  );
}

async function promised(value: unknown) {
  return { success: true as const, value };
}

/** The schema that the package holds a chunk to; the model keeps it for itself. */
async function chunkSchema(): Promise<z.ZodType> {
  const schema: unknown = Reflect.get(model("http://127.0.0.1"), "chunkSchema");
  if (schema instanceof z.ZodType) return schema;
  throw new Error("the package keeps its schema elsewhere now");
}

const calls: readonly Reading[] = [
  doStream("+ chunks made parts: doStream"),
  doStream("doStream, events re-framed", reframingFetch),
];

function model(baseURL: string, fetch?: typeof globalThis.fetch) {
  const name = "openaiCompatible";
  const settings = { name, baseURL, includeUsage: true };
  return createOpenAICompatible({ ...settings, ...defined({ fetch }) }).chatModel("bench-1");
}

function doStream(what: string, fetch?: typeof globalThis.fetch): Reading {
  const read = async (baseUrl: string) => {
    const { stream } = await model(baseUrl, fetch).doStream({
      prompt: [{ role: "user", content: [{ type: "text", text: prompt }] }],
    });
    let text = "";
    await drain(stream, (part) => {
      if (part.type === "text-delta") text += part.delta;
      else if (part.type === "error") throw part.error;
    });
    mustBe(text, expected, what);
  };
  return { what, read };
}

/** `fetch` whose reads end where events end: all that have come are one piece. */
async function reframingFetch(...call: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...call);
  let held = Buffer.alloc(0);
  const whole = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      const all = Buffer.concat([held, bytes]);
      const end = all.lastIndexOf("\n\n") + 2;
      if (end > 1) controller.enqueue(all.subarray(0, end));
      held = end > 1 ? all.subarray(end) : all;
    },
    flush: (controller) => controller.enqueue(held),
  });
  return new Response(response.body?.pipeThrough(whole), response);
}
