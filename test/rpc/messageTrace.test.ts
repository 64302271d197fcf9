// What a client is told of its connection's messages: how much of it may wait, and what is cut.
import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { silentLog } from "../../src/base/log.js";
import { MessageTrace, type SeenMessage, type TraceChannel } from "../../src/rpc/messageTrace.js";
import { shortJson } from "../../src/rpc/shortJson.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

interface TraceLine {
  readonly message: string;
  readonly verbose?: string;
}

/** A client that takes a line when it is told to. */
class SlowClient {
  readonly connection = this;
  readonly tap: TraceChannel["tap"] = {};
  #at = 0;

  /** The trace of its messages. */
  trace(value: string): MessageTrace {
    const trace = new MessageTrace(this, silentLog, () => this.#at);
    trace.set({ value });
    return trace;
  }

  /** A message is taken or sent. */
  see({ direction, message, idText, at }: SeenMessage): void {
    this.#at = at;
    this.tap.onMessage?.(direction, message, idText);
  }

  readonly lines: TraceLine[] = [];
  readonly #taken: Deferred<void>[] = [];

  sendNotification(_: string, line: object): Promise<void> {
    this.lines.push(line as TraceLine);
    const taken = new Deferred<void>();
    this.#taken.push(taken);
    return taken.promise;
  }

  async take(): Promise<void> {
    this.#taken.shift()?.resolve();
    await settled();
  }

  async fail(): Promise<void> {
    this.#taken.shift()?.reject(new Error("the connection is gone"));
    await settled();
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function seen(more: Partial<SeenMessage["message"]>): SeenMessage {
  return { direction: "received", message: { jsonrpc: "2.0", ...more }, idText: undefined, at: 0 };
}

const notice = (index: number) => seen({ method: `n-${index}` });

describe("the trace of a slow client", () => {
  it("has one line in the pipe, keeps the newest 1,000, and says how many are missing", async () => {
    const client = new SlowClient();
    client.trace("messages");
    for (let index = 0; index < 3000; index++) client.see(notice(index));
    await settled();
    expect(client.lines).toHaveLength(1);
    await client.take();
    await client.take();
    expect(client.lines.map(({ message }) => message)).toEqual([
      "2000 lines of the trace are missing here: the client reads slowly.",
      "Received notification 'n-2000'.",
      "Received notification 'n-2001'.",
    ]);
  });

  it("keeps no more than 1 MiB of text", async () => {
    const client = new SlowClient();
    client.trace("verbose");
    const params = { text: "x".repeat(10_000) };
    for (let index = 0; index < 600; index++) client.see(seen({ method: "n", params }));
    await settled();
    const [missing] = /^\d+/.exec(client.lines[0]?.message ?? "") ?? [];
    expect(Number(missing)).toBeGreaterThan(300);
    expect(Number(missing)).toBeLessThan(400);
  });

  it("ends when it is stopped, or with the connection, and can begin anew", async () => {
    const client = new SlowClient();
    const trace = client.trace("messages");
    for (let index = 0; index < 3; index++) client.see(notice(index));
    await settled();
    trace.set({ value: "off" });
    await client.take();
    expect(client.lines).toHaveLength(1);
    client.see(notice(3));
    trace.set({ value: "messages" });
    for (let index = 4; index < 6; index++) client.see(notice(index));
    await settled();
    await client.fail();
    expect(client.lines).toHaveLength(2);
    client.see(notice(7));
    await settled();
    expect(client.lines[2]?.message).toBe("Received notification 'n-7'.");
  });
});

describe("a line", () => {
  async function told(...messages: readonly SeenMessage[]): Promise<TraceLine[]> {
    const client = new SlowClient();
    client.trace("verbose");
    for (const message of messages) client.see(message);
    await settled();
    for (const _ of messages) await client.take();
    return client.lines;
  }

  it("of an endless method, id or error is short", async () => {
    const endless = "m".repeat(100_000);
    const lines = await told(
      { ...seen({ method: endless, id: 1 }), idText: `"${endless}"` },
      { ...seen({ id: 1, error: { code: 1, message: endless } }), direction: "sent" },
    );
    for (const { message } of lines) expect(message.length).toBeLessThan(600);
  });

  it("of an answer has the time since its own request, though both sides use one id", async () => {
    const lines = await told(
      { ...seen({ method: "theirs", id: 1 }), at: 10 },
      { ...seen({ method: "ours", id: 1 }), direction: "sent", at: 20 },
      { ...seen({ id: 1, result: {} }), at: 50 },
      { ...seen({ id: 1, result: {} }), direction: "sent", at: 1010 },
      { ...seen({ id: 1, result: {} }), direction: "sent", at: 1010 },
    );
    expect(lines.slice(2).map(({ message }) => message)).toEqual([
      "Received response 'ours - (1)' in 30ms.",
      "Sending response 'theirs - (1)'. Processing request took 1000ms",
      "Sending response '(1)'.",
    ]);
  });

  it("does not have what a user has typed for a tool server", async () => {
    const lines = await told(
      { ...seen({ method: "requestInput", id: 1 }), direction: "sent" },
      seen({ id: 1, result: { action: "accept", content: { pin: "hunter22" } } }),
    );
    expect(lines[1]?.verbose).toBe('Result: "[redacted]"');
  });
});

describe("short JSON", () => {
  it.each([
    null,
    true,
    1.5,
    "é😀\u2028",
    [],
    {},
    [[1, { a: null, b: [{}, "x"] }], "y"],
    { a: undefined, b: 1 },
    [undefined, 1],
  ])("of %j is the JSON", (value) => {
    expect(shortJson(value, 1000)).toBe(JSON.stringify(value));
  });

  it.each([
    ["x".repeat(5000)],
    [{ key: "😀".repeat(5000) }],
    [Array.from({ length: 5000 }, (_, index) => index)],
    [{ ["k".repeat(5000)]: 1 }],
    [Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, {}]))],
  ])("is cut and says so", (value) => {
    const text = shortJson(value, 100);
    expect(text.length).toBeLessThanOrEqual(101);
    expect(text.endsWith("…")).toBe(true);
    expect(Buffer.from(text).toString()).toBe(text);
  });

  it("is made in no time of a large value", async () => {
    const value = { list: Array.from({ length: 1_000_000 }, (_, index) => ({ index })) };
    expect(await cpuTimeOf(() => shortJson(value, 4096))).toBeLessThan(onThisMachine(50));
  });

  it("has no member that never reaches the log", () => {
    const value = { apiKey: "a-secret", list: [{ headers: { x: "a-secret" } }], env: ["a-secret"] };
    expect(shortJson(value, 1000)).toBe(
      '{"apiKey":"[redacted]","list":[{"headers":"[redacted]"}],"env":"[redacted]"}',
    );
  });
});
