// Messages that are read in steps: they keep their place, and get what small ones get.
import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { longestHold, onThisMachine } from "../helpers/longestHold.js";
import { badMessage, Peer } from "./peer.js";

const filling = "x".repeat(300_000);

/** A peer that notes what reaches its handlers. */
function notingPeer(framing: "header" | "ndjson" = "ndjson") {
  const peer = new Peer(framing);
  const seen: unknown[] = [];
  peer.channel.connection.onRequest((method, params) => {
    seen.push(method);
    return params === undefined ? true : Object.keys(params as object);
  });
  peer.channel.connection.onNotification((method) => void seen.push(method));
  peer.channel.connection.listen();
  return { peer, seen };
}

const request = (id: string, method: string, params = `{"a":"${filling}"}`) =>
  `{"jsonrpc":"2.0","params":${params},"method":"${method}","id":${id}}`;
const small = (method: string) => `{"jsonrpc":"2.0","method":"${method}"}`;

describe.each(["ndjson", "header"] as const)("large messages in %s", (framing) => {
  it("reach their handlers in the order in which they came", async () => {
    const { peer, seen } = notingPeer(framing);
    peer.send(
      small("a"),
      request("1", "b"),
      small("c"),
      request("2", "d"),
      request("3", "e", "{}"),
    );
    peer.send(
      `[${small("f")},${request("4", "g")},${small("h")}]`,
      '{"jsonrpc":"2.0"}',
      request("5", "i", "{}"),
    );
    const answers: unknown[] = [];
    while (answers.length < 6) answers.push(await peer.next());
    for (const id of [1, 2, 3, null, 5])
      expect(answers).toContainEqual(expect.objectContaining({ id }));
    expect(answers).toContainEqual([{ jsonrpc: "2.0", id: 4, result: ["a"] }]);
    expect(seen.join("")).toBe("abcdefghi");
  });

  it("are all taken before the end of the input is told", async () => {
    const { peer, seen } = notingPeer(framing);
    // Before the first message it is not known how ours are to be framed.
    peer.send(request("0", "first", "{}"));
    expect(await peer.next()).toMatchObject({ id: 0 });
    const asked = peer.channel.connection.sendRequest("ours");
    const { id } = (await peer.next()) as { id: number };
    peer.send(`{"jsonrpc":"2.0","result":"${filling}","id":${id}}`, small("a"), request("1", "b"));
    peer.input.end();
    expect(await peer.channel.closed).toEqual({ kind: "end" });
    expect(await asked).toBe(filling);
    expect(seen).toEqual(["first", "a", "b"]);
    expect(await peer.next()).toMatchObject({ id: 1, result: ["a"] });
  });
});

it("a cancel that comes behind a large request cancels it", async () => {
  const peer = new Peer();
  const cancelled = new Deferred<void>();
  peer.channel.connection.onRequest((_method, _params, token) => {
    if (token.isCancellationRequested) cancelled.resolve();
    token.onCancellationRequested(() => cancelled.resolve());
    return cancelled.promise;
  });
  peer.channel.connection.listen();
  peer.send(request("7", "a"), '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":7}}');
  expect(await peer.next()).toMatchObject({ id: 7 });
});

it("nothing more is read while a large message is taken apart", async () => {
  const { peer } = notingPeer();
  const paused = new Promise((resolve) => peer.input.once("pause", resolve));
  peer.send(request("1", "a"));
  await paused;
  expect(await peer.next()).toMatchObject({ id: 1 });
  peer.send(request("2", "b", "{}"));
  expect(await peer.next()).toMatchObject({ id: 2 });
});

it("what is disposed hands over no large message any more", async () => {
  const { peer, seen } = notingPeer();
  const paused = new Promise((resolve) => peer.input.once("pause", resolve));
  peer.send(request("1", "a"), request("2", "b"));
  await paused;
  peer.channel.dispose();
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(seen).toEqual([]);
});

describe("a large message gets back", () => {
  it.each([
    '"text"',
    "1",
    "1.5",
    "9007199254740993",
    "-123456789012345678901234567890",
    "1e400",
    "null",
  ])("its id %s as it was sent", async (id) => {
    const { peer } = notingPeer();
    const inner = `{"id":0,"a":"${filling}"}`;
    peer.send(request(id, "a", inner), `[${request(id, "a", inner)}]`);
    const bad = `{"jsonrpc":"2.0","method":7,"params":${inner},"id":${id}}`;
    peer.send(
      bad,
      `{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"a":"${filling}","id":${id}}}`,
    );
    const answers = [await peer.nextText(), await peer.nextText(), await peer.nextText()];
    for (const answer of answers) expect(answer).toContain(`"id":${id}`);
  });

  it.each([201, 3_000, 500_000])("a refusal if it is %i levels deep, as its own", async (depth) => {
    const { peer, seen } = notingPeer();
    const deep = `{"b":"${filling}","a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const tooDeep = { code: -32602, data: { name: "InvalidParams" } };
    peer.send(request("1", "a", deep));
    expect(await peer.next()).toMatchObject({ id: 1, error: tooDeep });
    peer.send(`[${request("2", "b")},${request("3", "c", deep)}]`);
    expect(await peer.next()).toMatchObject([
      { id: 2, result: ["a"] },
      { id: 3, error: tooDeep },
    ]);
    const asked = peer.channel.connection.sendRequest("ours");
    const { id } = (await peer.next()) as { id: number };
    peer.send(`{"jsonrpc":"2.0","result":${deep},"id":${id}}`);
    await expect(asked).rejects.toThrow("nested more than 200 levels");
    expect(seen).toEqual(["b"]);
  });

  it.each([199, 200])("an answer if it is %i levels deep", async (depth) => {
    const { peer } = notingPeer();
    const nested = depth - 1;
    const deep = `{"b":"${filling}","a":${"[".repeat(nested)}${"]".repeat(nested)}}`;
    peer.send(request("1", "a", deep));
    expect(await peer.next()).toMatchObject({ id: 1, result: ["b", "a"] });
  });

  it("a refusal with its id if it has too many values", async () => {
    const { peer } = notingPeer();
    peer.send(request('"many"', "a", `{"a":[${"{},".repeat(1_000_000)}0]}`));
    expect(await peer.next()).toMatchObject({ ...badMessage("MessageTooLarge"), id: "many" });
    peer.send(request("1", "a", "{}"));
    expect(await peer.next()).toMatchObject({ id: 1 });
  });

  it("a refusal if it is no JSON, or not UTF-8", async () => {
    const { peer } = notingPeer();
    peer.send(`{"a":"${filling}"`);
    expect(await peer.next()).toMatchObject(badMessage("ParseError"));
    peer.input.write(Buffer.concat([Buffer.from([0xff]), Buffer.from(`${filling}\n`)]));
    expect(await peer.next()).toMatchObject(badMessage("ParseError"));
  });

  it("nothing if it is blank", async () => {
    const { peer } = notingPeer();
    peer.send(" ".repeat(1_000_000), `${" ".repeat(300_000)}${request("1", "a", "{}")}`);
    expect(await peer.next()).toMatchObject({ id: 1 });
  });

  it("an answer behind a byte order mark", async () => {
    const { peer } = notingPeer("header");
    peer.send(request("1", "a", "{}"), `\uFEFF${request("2", "b")}`);
    expect([await peer.next(), await peer.next()]).toMatchObject([{ id: 1 }, { id: 2 }]);
  });
});

describe("a batch", () => {
  it("of more than 10,000 messages is refused as a whole", async () => {
    const { peer, seen } = notingPeer();
    peer.send(`[${"1,".repeat(10_000)}1]`);
    expect(await peer.next()).toMatchObject(badMessage("InvalidRequest"));
    peer.send(
      `[${Array.from({ length: 10_001 }, (_, id) => request(`${id}`, "a", "{}")).join(",")}]`,
    );
    expect(await peer.next()).toMatchObject(badMessage("InvalidRequest"));
    expect(seen).toEqual([]);
  });

  it.each([
    ["of 10,000 bad messages", `[${"1,".repeat(9_999)}1]`],
    [
      "of 10,000 requests",
      `[${Array.from({ length: 10_000 }, (_, id) => request(`${id}`, "a", "{}")).join(",")}]`,
    ],
  ])("%s holds nothing up", async (_, text) => {
    const { peer } = notingPeer();
    const answered = async () => {
      peer.send(text);
      expect(await peer.next()).toHaveLength(10_000);
    };
    await answered();
    expect(await longestHold(answered)).toBeLessThan(onThisMachine(100, 4));
  });
});
