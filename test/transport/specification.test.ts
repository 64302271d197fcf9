import { describe, expect, it } from "vitest";
import { ResponseError } from "vscode-jsonrpc/node";
import { Peer } from "./peer.js";

/** The handlers that the examples of JSON-RPC 2.0, section 7, take for granted. */
function specificationPeer(framing: "header" | "ndjson"): Peer {
  const peer = new Peer(framing);
  const { connection } = peer.channel;
  connection.onRequest((method, params) => {
    const values: unknown[] = Array.isArray(params) ? params : [];
    if (method === "subtract") {
      const { minuend, subtrahend } = Object(params);
      return Array.isArray(params) ? params[0] - params[1] : minuend - subtrahend;
    }
    if (method === "sum") return values.reduce((sum: number, value) => sum + Number(value), 0);
    if (method === "get_data") return ["hello", 5];
    return new ResponseError(-32601, "Method not found");
  });
  connection.onNotification(() => {});
  connection.listen();
  return peer;
}

const parseError = { jsonrpc: "2.0", error: { code: -32700, message: "Parse error" }, id: null };
const invalid = { jsonrpc: "2.0", error: { code: -32600, message: "Invalid Request" }, id: null };

/** What is sent, as the specification writes it, and what comes back (`undefined`: nothing). */
const examples: [string, string, unknown][] = [
  [
    "a call with positional parameters",
    '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
    { jsonrpc: "2.0", result: 19, id: 1 },
  ],
  [
    "the same, the other way round",
    '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
    { jsonrpc: "2.0", result: -19, id: 2 },
  ],
  [
    "a call with named parameters",
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    { jsonrpc: "2.0", result: 19, id: 3 },
  ],
  [
    "the same, in another order",
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
    { jsonrpc: "2.0", result: 19, id: 4 },
  ],
  ["a notification", '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', undefined],
  ["a notification without handler", '{"jsonrpc": "2.0", "method": "foobar"}', undefined],
  [
    "a call of a method that does not exist",
    '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
    { jsonrpc: "2.0", error: { code: -32601, message: "Method not found" }, id: "1" },
  ],
  [
    "a call with invalid JSON",
    '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
    parseError,
  ],
  [
    "a call with an invalid request object",
    '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
    invalid,
  ],
  [
    "a batch that is invalid JSON",
    '[ {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method" ]',
    parseError,
  ],
  ["an empty batch", "[]", invalid],
  ["an invalid batch that is not empty", "[1]", [invalid]],
  ["an invalid batch", "[1,2,3]", [invalid, invalid, invalid]],
  [
    "a batch",
    `[ {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
       {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
       {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
       {"foo": "boo"},
       {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
       {"jsonrpc": "2.0", "method": "get_data", "id": "9"} ]`.replaceAll("\n", " "),
    [
      { jsonrpc: "2.0", result: 7, id: "1" },
      { jsonrpc: "2.0", result: 19, id: "2" },
      invalid,
      { jsonrpc: "2.0", error: { code: -32601, message: "Method not found" }, id: "5" },
      { jsonrpc: "2.0", result: ["hello", 5], id: "9" },
    ],
  ],
  [
    "a batch of notifications alone",
    `[ {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
       {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]} ]`.replaceAll("\n", " "),
    undefined,
  ],
];

describe.each(["header", "ndjson"] as const)(
  "JSON-RPC 2.0, section 7, in %s framing",
  (framing) => {
    it.each(examples)("%s", async (_, sent, expected) => {
      const peer = specificationPeer(framing);
      peer.send(sent);
      if (expected !== undefined) expect(await peer.next()).toMatchObject(Object(expected));
      peer.request("last", "get_data");
      expect(await peer.next()).toEqual({ jsonrpc: "2.0", result: ["hello", 5], id: "last" });
      expect(peer.untaken).toBe("");
      peer.channel.dispose();
    });

    it("the connection goes on after all of them, one behind the other", async () => {
      const peer = specificationPeer(framing);
      peer.send(...examples.map(([, sent]) => sent));
      peer.request("last", "get_data");
      let answers = 0;
      for (let last = false; !last; answers++) {
        last = (await peer.nextText()).includes('"id":"last"');
      }
      expect(answers).toBe(examples.filter(([, , expected]) => expected !== undefined).length + 1);
      peer.channel.dispose();
    });
  },
);
