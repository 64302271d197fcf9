import { describe, expect, it } from "vitest";
import type { CancellationToken } from "vscode-jsonrpc/node";
import { Deferred } from "../../src/base/deferred.js";
import { badMessage, Peer } from "./peer.js";

/** A peer whose requests wait until they are answered by hand. */
function waitingPeer(framing: "header" | "ndjson" = "ndjson") {
  const peer = new Peer(framing);
  const calls: { method: string; token: CancellationToken; answer: Deferred<unknown> }[] = [];
  let wake: (() => void) | undefined;
  peer.channel.connection.onRequest((method, _params, token) => {
    const answer = new Deferred<unknown>();
    calls.push({ method, token, answer });
    wake?.();
    return answer.promise;
  });
  peer.channel.connection.listen();
  const call = async (index: number) => {
    while (calls.length <= index) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const found = calls[index];
    if (found === undefined) throw new Error("no such call");
    return found;
  };
  return { peer, call };
}

const cancelled = (token: CancellationToken) =>
  new Promise<void>((resolve) => {
    if (token.isCancellationRequested) resolve();
    else token.onCancellationRequested(() => resolve());
  });

describe("an id comes back as it was sent", () => {
  it.each([
    '"text"',
    '""',
    '"1"',
    '"\\u0000\\ud83d\\ude00"',
    "1",
    "0",
    "-7",
    "1.5",
    "1e21",
    "9007199254740993",
    "-123456789012345678901234567890",
    "1e400",
    "null",
  ])("%s", async (id) => {
    const peer = new Peer();
    peer.channel.connection.onRequest(() => true);
    peer.channel.connection.listen();
    const sent = `{"jsonrpc":"2.0","method":"a","params":{"id":0},"id":${id}}`;
    peer.send(sent, `[${sent}]`, `{"jsonrpc":"2.0","method":7,"id":${id}}`);
    const answers = [await peer.nextText(), await peer.nextText(), await peer.nextText()];
    const asJson = id.startsWith('"') ? JSON.stringify(JSON.parse(id)) : id;
    expect(answers.sort()).toEqual([
      expect.stringContaining(`[{"jsonrpc":"2.0","id":${asJson},"result":true}]`),
      expect.stringContaining(`{"jsonrpc":"2.0","id":${asJson},"error":{"code":-32600`),
      expect.stringContaining(`{"jsonrpc":"2.0","id":${asJson},"result":true}`),
    ]);
    peer.channel.dispose();
  });

  it("even when it is in use twice at once, and 1 is not '1'", async () => {
    const { peer, call } = waitingPeer();
    peer.request(1, "first");
    peer.request(1, "second");
    peer.request("1", "third");
    for (const index of [2, 1, 0]) {
      const { method, answer } = await call(index);
      answer.resolve(method);
    }
    expect([await peer.next(), await peer.next(), await peer.next()]).toEqual([
      { jsonrpc: "2.0", id: "1", result: "third" },
      { jsonrpc: "2.0", id: 1, result: "second" },
      { jsonrpc: "2.0", id: 1, result: "first" },
    ]);
    peer.channel.dispose();
  });
});

describe("a cancel", () => {
  it.each(["7", '"7"', "9007199254740993", "null"])("reaches the request %s", async (id) => {
    const { peer, call } = waitingPeer();
    peer.send(`{"jsonrpc":"2.0","method":"other","id":8}`);
    peer.send(`{"jsonrpc":"2.0","method":"a","id":${id}}`);
    const other = await call(0);
    const { token, answer } = await call(1);
    peer.send(`[{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":${id}}}]`);
    await cancelled(token);
    expect(other.token.isCancellationRequested).toBe(false);
    answer.resolve("late");
    expect(await peer.nextText()).toBe(`{"jsonrpc":"2.0","id":${id},"result":"late"}`);
    peer.channel.dispose();
  });

  it("reaches a request that was read together with it", async () => {
    const { peer, call } = waitingPeer();
    const cancel = { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } };
    peer.input.write(
      peer.frame('{"jsonrpc":"2.0","method":"a","id":1}') + peer.frame(JSON.stringify(cancel)),
    );
    expect((await call(0)).token.isCancellationRequested).toBe(true);
    peer.channel.dispose();
  });

  it("sent again and again, before and after the request has begun, is one cancel", async () => {
    const { peer, call } = waitingPeer();
    const cancel = { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } };
    peer.request(1, "a");
    peer.send(cancel, cancel);
    const { token, answer } = await call(0);
    peer.send(cancel, cancel);
    expect(token.isCancellationRequested).toBe(true);
    answer.resolve("late");
    expect(await peer.next()).toMatchObject({ id: 1, result: "late" });
    peer.channel.dispose();
  });

  it("reaches every request with its id", async () => {
    const { peer, call } = waitingPeer();
    peer.request("twice", "first");
    peer.request("twice", "second");
    const [first, second] = [await call(0), await call(1)];
    peer.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: "twice" } });
    await Promise.all([cancelled(first.token), cancelled(second.token)]);
    peer.channel.dispose();
  });

  it.each([
    { id: "unknown" },
    { id: 1.5 },
    { id: { nested: 1 } },
    { id: [] },
    { id: true },
    {},
    [],
    [1],
    null,
    undefined,
  ])("of nothing, %j, is ignored", async (params) => {
    const { peer, call } = waitingPeer();
    peer.request(1, "a");
    const { token, answer } = await call(0);
    peer.send({ jsonrpc: "2.0", method: "$/cancelRequest", params });
    answer.resolve("done");
    expect(await peer.next()).toEqual({ jsonrpc: "2.0", id: 1, result: "done" });
    expect(token.isCancellationRequested).toBe(false);
    peer.channel.dispose();
  });

  it("that comes after the answer changes nothing, also for the next request with that id", async () => {
    const { peer, call } = waitingPeer();
    peer.request(1, "a");
    (await call(0)).answer.resolve("done");
    await peer.next();
    peer.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } });
    peer.request(1, "b");
    expect((await call(1)).token.isCancellationRequested).toBe(false);
    peer.channel.dispose();
  });
});

describe("a batch", () => {
  it("is answered when its last request is, in the order of the requests", async () => {
    const { peer, call } = waitingPeer();
    const notification = { jsonrpc: "2.0", method: "n" };
    const request = (id: number) => ({ jsonrpc: "2.0", method: "m", id });
    peer.send([request(1), notification, 5, request(2), request(1)]);
    (await call(2)).answer.resolve("third");
    (await call(1)).answer.resolve("second");
    expect(peer.untaken).toBe("");
    (await call(0)).answer.resolve("first");
    expect(await peer.next()).toMatchObject([
      { id: 1, result: "first" },
      badMessage("InvalidRequest"),
      { id: 2, result: "second" },
      { id: 1, result: "third" },
    ]);
    peer.channel.dispose();
  });

  it("whose request is cancelled is still answered", async () => {
    const { peer, call } = waitingPeer("header");
    peer.send([1, 2].map((id) => ({ jsonrpc: "2.0", method: "m", id })));
    (await call(1)).answer.resolve("second");
    const first = await call(0);
    peer.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } });
    await cancelled(first.token);
    first.answer.reject(new Error("cancelled"));
    expect(await peer.next()).toMatchObject([
      { id: 1, error: { code: -32603 } },
      { id: 2, result: "second" },
    ]);
    peer.channel.dispose();
  });

  it("may hold responses to our own requests", async () => {
    const peer = new Peer();
    peer.channel.connection.listen();
    peer.send({ jsonrpc: "2.0", method: "hello" });
    const answers = Promise.all([
      peer.channel.connection.sendRequest("a"),
      peer.channel.connection.sendRequest("b"),
    ]);
    await Promise.all([peer.next(), peer.next()]);
    peer.send([
      { jsonrpc: "2.0", id: 1, result: "to b" },
      { jsonrpc: "2.0", id: 0, result: "to a" },
    ]);
    expect(await answers).toEqual(["to a", "to b"]);
    expect(peer.untaken).toBe("");
    peer.channel.dispose();
  });
});

describe.each(["header", "ndjson"] as const)("a bad message in %s framing", (framing) => {
  it.each([
    ["ParseError", "{"],
    ["ParseError", "{'a':1}"],
    ["InvalidRequest", "{}"],
    ["InvalidRequest", '{"method":"m","id":null}'],
    ["InvalidRequest", '{"jsonrpc":"1.0","method":"m"}'],
    ["InvalidRequest", '{"jsonrpc":2.0,"method":"m"}'],
    ["InvalidRequest", '{"jsonrpc":"2.0","method":null}'],
    ["InvalidRequest", '{"jsonrpc":"2.0","method":{},"id":{}}'],
    ["InvalidRequest", '{"jsonrpc":"2.0","method":"m","id":true}'],
    ["InvalidRequest", '{"jsonrpc":"2.0","method":"m","id":[1]}'],
    ["InvalidRequest", '{"jsonrpc":"2.0","method":"m","params":"text"}'],
    ["InvalidRequest", '{"jsonrpc":"2.0","method":"m","params":0}'],
    ["InvalidRequest", "[]"],
    ["MessageTooLarge", `{"jsonrpc":"2.0","method":"${"m".repeat(1000)}"}`],
  ] as const)("is answered with %s: %s", async (name, text) => {
    const peer = new Peer(framing, { framing, maxMessageBytes: 1000 });
    peer.channel.connection.onRequest(() => "alive");
    peer.channel.connection.listen();
    peer.send(text);
    expect(await peer.next()).toMatchObject(badMessage(name));
    peer.request(2, "m");
    expect(await peer.next()).toMatchObject({ id: 2, result: "alive" });
    peer.channel.dispose();
  });
});

it("params that are null are omitted, and notifications get no answer", async () => {
  const peer = new Peer();
  const notified: unknown[] = [];
  peer.channel.connection.onNotification((method, params) => {
    notified.push([method, params]);
  });
  peer.channel.connection.onRequest((_method, params) => [params === undefined]);
  peer.channel.connection.listen();
  peer.send({ jsonrpc: "2.0", method: "n", params: null });
  peer.request(1, "m", null);
  expect(await peer.next()).toEqual({ jsonrpc: "2.0", id: 1, result: [true] });
  expect(notified).toEqual([["n", undefined]]);
  peer.channel.dispose();
});
