import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Log } from "../../src/base/log.js";
import { silentLog } from "../../src/base/log.js";
import { openChannel } from "../../src/transport/channel.js";
import { badMessage, Peer, slowOutput } from "./peer.js";

describe("what is written", () => {
  it.each([
    ["header", 'Content-Length: 39\r\n\r\n{"jsonrpc":"2.0","method":"n","params":{"a":"é"}}'],
    ["ndjson", '{"jsonrpc":"2.0","method":"n","params":{"a":"é"}}\n'],
  ] as const)("is one write a message, framed as %s", async (framing, expected) => {
    const writes: string[] = [];
    const output = new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        writes.push(String(chunk));
        done();
      },
    });
    const { connection, dispose } = openChannel({
      input: new PassThrough(),
      output,
      framing,
      log: silentLog,
    });
    await connection.sendNotification("n", { a: "é" });
    const body = expected.slice(expected.indexOf("{"));
    const length = Buffer.byteLength(body);
    expect(writes).toEqual([expected.replace("39", String(length))]);
    dispose();
  });

  it("is one write for all that is sent together, and each learns its own end", async () => {
    const writes: string[] = [];
    const output = new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        writes.push(String(chunk));
        done();
      },
    });
    const input = new PassThrough();
    const channel = openChannel({ input, output, framing: "ndjson", log: silentLog });
    const { connection } = channel;
    const sent: Promise<void>[] = [];
    channel.together(() => {
      for (const value of [1, 1n, 2]) sent.push(connection.sendNotification("n", { value }));
      expect(writes).toEqual([]);
    });
    await connection.sendNotification("n", { value: 3 });
    const ends = await Promise.allSettled(sent);
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const line = (value: number) => `{"jsonrpc":"2.0","method":"n","params":{"value":${value}}}\n`;
    expect(writes).toEqual([`${line(1)}${line(2)}`, line(3)]);
    channel.dispose();
  });

  it("waits for the first byte of the other side", async () => {
    const peer = new Peer("header");
    peer.channel.connection.listen();
    const sent = [1, 2].map((n) => peer.channel.connection.sendNotification("n", { n }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.untaken).toBe("");
    peer.input.write("C");
    await Promise.all(sent);
    expect([await peer.next(), await peer.next()]).toMatchObject([
      { params: { n: 1 } },
      { params: { n: 2 } },
    ]);
    peer.channel.dispose();
  });

  it("is confirmed when the stream has taken it, not before", async () => {
    const { output, taken, acceptOne } = slowOutput();
    const input = new PassThrough();
    const channel = openChannel({ input, output, framing: "ndjson", log: silentLog });
    let confirmed = 0;
    for (const n of [1, 2]) {
      void channel.connection.sendNotification("n", { n }).then(() => confirmed++);
    }
    const flushed = channel.flushed();
    await new Promise((resolve) => setImmediate(resolve));
    expect(confirmed).toBe(0);
    acceptOne();
    await new Promise((resolve) => setImmediate(resolve));
    expect(confirmed).toBe(1);
    acceptOne();
    await flushed;
    expect(confirmed).toBe(2);
    expect(taken).toHaveLength(2);
    channel.dispose();
  });

  it("says nothing of its own about a result that JSON cannot hold", async () => {
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (_fields, message) => errors.push(message) };
    const peer = new Peer("ndjson", { log });
    peer.channel.connection.onRequest(() => ({ secret: 1n }));
    peer.channel.connection.listen();
    peer.request(1, "m");
    const text = await peer.nextText();
    expect(JSON.parse(text)).toMatchObject({
      id: 1,
      error: { code: -32603, data: { name: "InternalError", retryable: false } },
    });
    expect(text).not.toContain("BigInt");
    expect(errors).toEqual(["a response could not be written as JSON"]);
    peer.channel.dispose();
  });
});

describe("afterWritten", () => {
  it.each(["alone", "in a batch"])("runs directly behind the response, %s", async (how) => {
    const peer = new Peer();
    const { connection } = peer.channel;
    const result = { ready: true };
    connection.onRequest((method) => {
      if (method !== "initialize") return {};
      peer.channel.afterWritten(result, () => void connection.sendNotification("first"));
      return result;
    });
    connection.listen();
    const request = { jsonrpc: "2.0", id: 1, method: "initialize" };
    peer.send(how === "alone" ? request : [request, { ...request, id: 2, method: "other" }]);
    expect(await peer.nextText()).toContain('"result":{"ready":true}');
    expect(await peer.next()).toMatchObject({ method: "first" });
    peer.channel.dispose();
  });

  it("does not run for an equal object, nor when nothing can be written", async () => {
    const peer = new Peer();
    let runs = 0;
    const result = { equal: true };
    peer.channel.afterWritten(result, () => runs++);
    peer.channel.connection.onRequest((method) => (method === "same" ? result : { equal: true }));
    peer.channel.connection.listen();
    peer.request(1, "equal");
    await peer.next();
    peer.output.destroy();
    await peer.channel.closed;
    expect(runs).toBe(0);
    peer.channel.dispose();
  });

  it("a callback that throws is logged and harms nothing", async () => {
    const errors: unknown[] = [];
    const log: Log = { ...silentLog, error: (fields) => errors.push(fields) };
    const peer = new Peer("ndjson", { log });
    const result = {};
    const failure = new Error("callback");
    peer.channel.afterWritten(result, () => {
      throw failure;
    });
    peer.channel.connection.onRequest(() => result);
    peer.channel.connection.listen();
    peer.request(1, "m");
    expect(await peer.next()).toMatchObject({ id: 1, result: {} });
    expect(errors).toEqual([{ err: failure }]);
    peer.channel.dispose();
  });
});

describe("memory stays bounded", () => {
  it("reading pauses while many messages wait for their handlers, and none is lost", async () => {
    const peer = new Peer();
    let handled = 0;
    peer.channel.connection.onNotification(() => void handled++);
    peer.channel.connection.onRequest(() => handled);
    peer.channel.connection.listen();
    const line = peer.frame(JSON.stringify({ jsonrpc: "2.0", method: "n" }));
    peer.input.write(line.repeat(2_000));
    peer.input.write(line.repeat(2_000));
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.input.isPaused()).toBe(true);
    expect(handled).toBeLessThan(2_000);
    peer.request(1, "m");
    expect(await peer.next()).toMatchObject({ result: 4_000 });
    peer.channel.dispose();
  });

  it("reading pauses while the other side does not read, and goes on when it does", async () => {
    const { output, taken, acceptOne } = slowOutput();
    const input = new PassThrough();
    const channel = openChannel({
      input,
      output,
      framing: "ndjson",
      log: silentLog,
      maxUnsentBytes: 1000,
    });
    channel.connection.listen();
    const garbage = "x\n".repeat(100);
    input.write(garbage);
    await new Promise((resolve) => setImmediate(resolve));
    expect(input.isPaused()).toBe(true);
    input.write(garbage);
    while (taken.length < 200) {
      acceptOne();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(JSON.parse(taken.at(-1) ?? "")).toMatchObject(badMessage("ParseError"));
    channel.dispose();
  });
});

it("two channels talk to each other", async () => {
  const [there, back] = [new PassThrough(), new PassThrough()];
  const server = openChannel({ input: there, output: back, framing: "auto", log: silentLog });
  const client = openChannel({
    input: back,
    output: there,
    framing: "header",
    log: silentLog,
    maxUnsentBytes: Number.POSITIVE_INFINITY,
  });
  server.connection.onRequest(async (method, params) => [
    method,
    await server.connection.sendRequest("back", params),
  ]);
  client.connection.onRequest((_method, params) => params);
  server.connection.listen();
  client.connection.listen();
  const text = "😀".repeat(100_000);
  expect(await client.connection.sendRequest("there", { text })).toEqual(["there", { text }]);
  there.end();
  expect(await server.closed).toEqual({ kind: "end" });
  server.dispose();
  client.dispose();
});
