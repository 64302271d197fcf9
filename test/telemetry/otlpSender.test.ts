// How batches reach a collector that is away, slow or strict, without one second being waited for.
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { OtlpSender } from "../../src/telemetry/otlpSender.js";
import type { EndedSpan } from "../../src/telemetry/ownSpans.js";
import { SpanQueue } from "../../src/telemetry/spanQueue.js";
import { ManualClock } from "../helpers/manualClock.js";
import { recordingLog } from "../helpers/recordingLog.js";

const endpoint = {
  url: "http://collector.example/v1/traces",
  headers: { authorization: "Bearer sesame-open-now" },
  timeoutMs: 10_000,
  isCompressed: false,
};

type Answer = Response | Error | "never";

function house(answers: Answer[]) {
  const clock = new ManualClock();
  const { log, messages, fields } = recordingLog();
  const bodies: string[] = [];
  const inits: (RequestInit | undefined)[] = [];
  const answering = (async (_: unknown, init?: RequestInit) => {
    bodies.push(String(init?.body));
    inits.push(init);
    const answer = answers.shift() ?? new Response("{}");
    if (answer instanceof Response) return answer;
    if (answer instanceof Error) throw answer;
    return new Promise<Response>((_resolve, reject) => {
      init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    });
  }) as typeof fetch;
  const sender = new OtlpSender({ endpoint, clock, log, fetch: answering, random: () => 0 });
  /** Lets everything happen that waits for no time. */
  const settle = async () => {
    for (let index = 0; index < 5; index++) await turn();
  };
  const advance = async (ms: number) => {
    await settle();
    clock.advance(ms);
    await settle();
  };
  return { clock, log, messages, fields, bodies, inits, sender, advance, settle };
}

const status = (code: number, headers: Record<string, string> = {}) =>
  new Response("{}", { status: code, headers });

describe("a body", () => {
  it("of which a part is refused is not sent again, and that is told once until all of one is taken", async () => {
    const refusing = (count: unknown) =>
      new Response(
        JSON.stringify({
          partialSuccess: { rejectedSpans: count, errorMessage: "too old: sesame-open-now" },
        }),
      );
    const { sender, bodies, messages, fields } = house([
      refusing("3"),
      refusing("4"),
      new Response(""),
      new Response('{"partialSuccess":{}}'),
      refusing(5),
      new Response("x".repeat(200_000)),
    ]);
    for (let count = 0; count < 6; count++) expect(await sender.send("{}")).toBe(true);
    expect(bodies).toHaveLength(6);
    expect(messages).toEqual(Array(2).fill("the collector has refused a part of the telemetry"));
    const told = { collector: "http://collector.example", reason: "too old: [redacted]" };
    expect(fields).toEqual([
      { ...told, rejected: 3 },
      { ...told, rejected: 5 },
    ]);
  });

  it("is sent again after 429, 502, 503, 504 and a broken connection, each time later", async () => {
    const { sender, bodies, messages, fields, advance } = house([
      status(503),
      new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") }),
      status(429),
      status(504),
    ]);
    const sent = sender.send("{}");
    for (const [index, wait] of [500, 1000, 2000, 4000].entries()) {
      await advance(wait - 1);
      expect(bodies).toHaveLength(index + 1);
      await advance(1);
      expect(bodies).toHaveLength(index + 2);
    }
    expect(await sent).toBe(true);
    expect(messages).toEqual(["telemetry cannot be sent", "telemetry is sent again"]);
    expect(fields[0]).toEqual({ collector: "http://collector.example", reason: "HTTP 503" });
    expect(JSON.stringify(fields)).not.toContain("sesame");
  });

  it("waits as long as the collector asks, and is given up where that is too long", async () => {
    const { sender, bodies, advance } = house([status(503, { "retry-after": "7" })]);
    const sent = sender.send("{}");
    await advance(6_999);
    expect(bodies).toHaveLength(1);
    await advance(1);
    expect(await sent).toBe(true);
    const other = house([status(429, { "retry-after": "3600" })]);
    expect(await other.sender.send("{}")).toBe(false);
    expect(other.bodies).toHaveLength(1);
  });

  it.each([400, 401, 404, 413, 500])("is lost at once after %i", async (code) => {
    const { sender, bodies } = house([status(code)]);
    expect(await sender.send("{}")).toBe(false);
    expect(bodies).toHaveLength(1);
  });

  it("is lost after the fifth try", async () => {
    const { sender, bodies, advance } = house(Array.from({ length: 9 }, () => status(503)));
    const sent = sender.send("{}");
    for (let step = 0; step < 8; step++) await advance(20_000);
    expect(await sent).toBe(false);
    expect(bodies).toHaveLength(5);
  });

  it("of a collector that never answers is given up in time; redirects are not followed", async () => {
    const { sender, inits, fields, advance } = house(["never", "never"]);
    const sent = sender.send("{}");
    await advance(10_000);
    expect(fields[0]).toMatchObject({ reason: "no answer within 10000 ms" });
    expect(inits[0]?.redirect).toBe("error");
    await advance(500);
    expect(inits).toHaveLength(2);
    sender.close();
    expect(await sent).toBe(false);
  });
});

describe("the queue", () => {
  const span = (name: string, content = ""): EndedSpan => ({
    name,
    kind: "internal",
    links: [],
    context: { traceId: "1".repeat(32), spanId: "2".repeat(16), isSampled: true },
    attributes: { "gen_ai.input.messages": content },
    startedAt: 1,
    endedAt: 2.5,
  });
  const batch = { delayMs: 5000, mostSpans: 4, size: 2 };
  const origin = { resource: {}, version: "1" };
  const spansIn = (body = "") =>
    (JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: unknown[] }[] }[] })
      .resourceSpans[0]?.scopeSpans[0]?.spans;

  it("is sent in batches, when one is full and otherwise after a while", async () => {
    const { clock, log, sender, bodies, advance } = house([]);
    const queue = new SpanQueue({ sender, origin, batch, clock, log });
    queue.add(span("a"));
    await advance(4_999);
    expect(bodies).toHaveLength(0);
    await advance(1);
    expect(bodies).toHaveLength(1);
    queue.add(span("b"));
    queue.add(span("c"));
    await queue.flush();
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toContain('"startTimeUnixNano":"1000000","endTimeUnixNano":"2500000"');
  });

  it("is bounded by spans; what is lost is counted and told", async () => {
    const { clock, log, sender, bodies, fields, settle } = house(["never"]);
    const queue = new SpanQueue({ sender, origin, batch, clock, log });
    for (let index = 0; index < 12; index++) queue.add(span(`s${index}`));
    await settle();
    // Two are on their way and four wait.
    expect(spansIn(bodies[0])).toHaveLength(2);
    sender.close();
    await queue.flush();
    queue.close();
    expect(bodies).toHaveLength(1);
    expect(fields.at(-1)).toEqual({ spans: 12 });
  });

  it("is bounded by what the spans hold", async () => {
    const { clock, log, sender, bodies, fields, settle } = house(["never"]);
    const queue = new SpanQueue({ sender, origin, batch: { ...batch, mostSpans: 99 }, clock, log });
    const text = "x".repeat(3 * 1024 * 1024);
    for (let index = 0; index < 10; index++) queue.add(span("l", text));
    queue.close();
    expect(fields.at(-1)).toEqual({ spans: 4 });
    await settle();
    expect(spansIn(bodies[0])).toHaveLength(1);
    sender.close();
  });
});
