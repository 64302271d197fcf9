import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { silentLog } from "../../src/base/log.js";
import { openChannel } from "../../src/transport/channel.js";
import { Peer, slowOutput } from "./peer.js";

describe("our own requests", () => {
  const outcomeOf = (promise: Promise<unknown>) => promise.catch((error: Error) => error.message);

  it.each([
    [{ result: null }, null],
    [{ result: { a: 1 }, error: null }, { a: 1 }],
    [{ error: { code: 5, message: "no" }, result: null }, "no"],
    [{ error: "text" }, expect.stringContaining("malformed")],
    [{ error: { code: "5", message: "no" } }, expect.stringContaining("malformed")],
    [{ result: 1, error: { code: 5, message: "no" } }, expect.stringContaining("malformed")],
    [{}, expect.stringContaining("malformed")],
    [{ jsonrpc: "1.0", result: 1 }, expect.stringContaining("malformed")],
  ])("are settled by the response %j", async (response, expected) => {
    const peer = new Peer();
    peer.channel.connection.listen();
    peer.send({ jsonrpc: "2.0", method: "hello" });
    const outcome = outcomeOf(peer.channel.connection.sendRequest("ask", {}));
    const { id } = Object(await peer.next());
    peer.send({ jsonrpc: "2.0", id, ...response });
    expect(await outcome).toEqual(expected);
    expect(peer.untaken).toBe("");
    peer.channel.dispose();
  });

  it("are not settled by responses that are not theirs, and those are not answered", async () => {
    const peer = new Peer();
    const errors: string[] = [];
    peer.channel.connection.onError(([error]) => errors.push(error.message));
    peer.channel.connection.onRequest(() => "alive");
    peer.channel.connection.listen();
    peer.send({ jsonrpc: "2.0", method: "hello" });
    const outcome = outcomeOf(peer.channel.connection.sendRequest("ask", {}));
    const { id } = Object(await peer.next());
    peer.send({ jsonrpc: "2.0", id: String(id), result: 1 });
    peer.send({ jsonrpc: "2.0", id: 99, result: 1 });
    peer.send({ jsonrpc: "2.0", id: null, error: { code: -32700, message: "Parse error" } });
    peer.send({ jsonrpc: "2.0", id: {}, error: {} });
    peer.request(1, "m");
    expect(await peer.next()).toMatchObject({ id: 1, result: "alive" });
    peer.send({ jsonrpc: "2.0", id, result: "mine" });
    expect(await outcome).toBe("mine");
    expect(errors).toEqual([
      "the other side reports a bad message: -32700 Parse error",
      "a malformed response: `id` is neither a string nor a number nor null",
    ]);
    peer.channel.dispose();
  });

  it.each([
    ["the input ends", (peer: Peer) => void peer.input.end()],
    ["the input fails", (peer: Peer) => void peer.input.destroy(new Error("broken"))],
    ["the output fails", (peer: Peer) => void peer.output.destroy(new Error("EPIPE"))],
    ["the channel is disposed", (peer: Peer) => void peer.channel.dispose()],
  ])("are rejected when %s", async (_, leave) => {
    const peer = new Peer();
    peer.channel.connection.listen();
    peer.send({ jsonrpc: "2.0", method: "hello" });
    const pending = peer.channel.connection.sendRequest("ask", {});
    await peer.next();
    leave(peer);
    await expect(pending).rejects.toThrow();
    await expect(
      (async () => peer.channel.connection.sendRequest("ask again", {}))(),
    ).rejects.toThrow();
    peer.channel.dispose();
  });
});

describe("the end", () => {
  it("of the input is told once, after every message before it went to its handler", async () => {
    const peer = new Peer();
    const handled: string[] = [];
    peer.channel.connection.onNotification((method) => void handled.push(method));
    peer.channel.connection.listen();
    for (let n = 0; n < 20; n++) peer.send({ jsonrpc: "2.0", method: `n${n}` });
    peer.input.end(JSON.stringify({ jsonrpc: "2.0", method: "last, without newline" }));
    expect(await peer.channel.closed).toEqual({ kind: "end" });
    expect(handled).toHaveLength(21);
    peer.channel.dispose();
    expect(await peer.channel.closed).toEqual({ kind: "end" });
  });

  it("of the input leaves handlers running, and their answers are written", async () => {
    const peer = new Peer();
    const gate = new Deferred<string>();
    const { connection } = peer.channel;
    connection.onRequest(() => gate.promise);
    connection.listen();
    peer.request(1, "m");
    peer.input.end();
    await peer.channel.closed;
    await connection.sendNotification("still");
    gate.resolve("late");
    expect([await peer.next(), await peer.next()]).toMatchObject([
      { method: "still" },
      { id: 1, result: "late" },
    ]);
    peer.channel.dispose();
  });

  it("of the output is told once, stops the reading, and every later write is rejected", async () => {
    const peer = new Peer();
    let closes = 0;
    const methods: string[] = [];
    peer.channel.connection.onClose(() => closes++);
    peer.channel.connection.onRequest((method) => void methods.push(method));
    peer.channel.connection.listen();
    peer.request(1, "before");
    await peer.next();
    const error = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    peer.output.destroy(error);
    expect(await peer.channel.closed).toEqual({ kind: "error", error });
    peer.request(2, "after");
    await new Promise((resolve) => setImmediate(resolve));
    expect(methods).toEqual(["before"]);
    expect(closes).toBe(1);
    expect(() => peer.channel.connection.sendNotification("n")).toThrow("closed");
    peer.channel.dispose();
  });

  it("of an output that closes while bytes wait rejects the writes", async () => {
    const { output } = slowOutput();
    const input = new PassThrough();
    const channel = openChannel({ input, output, framing: "ndjson", log: silentLog });
    const writes = [1, 2].map((n) => channel.connection.sendNotification("n", { n }));
    output.destroy();
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await channel.flushed();
    channel.dispose();
  });

  it("by dispose cancels the handlers that run", async () => {
    const peer = new Peer();
    const cancelled = new Deferred<void>();
    const running = new Deferred<void>();
    peer.channel.connection.onRequest((_method, _params, token) => {
      token.onCancellationRequested(() => cancelled.resolve());
      running.resolve();
      return new Promise(() => {});
    });
    peer.channel.connection.listen();
    peer.request(1, "m");
    await running.promise;
    peer.channel.dispose();
    await cancelled.promise;
    expect(await peer.channel.closed).toEqual({ kind: "disposed" });
  });
});
