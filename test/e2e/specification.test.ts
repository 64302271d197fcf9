// Every example of JSON-RPC 2.0, section 7, against the built server. Where an example calls a
// method that exists there, `ping` stands in for it: its result is `{}`.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";

const parseError = { jsonrpc: "2.0", error: { code: -32700, message: "Parse error" }, id: null };
const invalid = { jsonrpc: "2.0", error: { code: -32600, message: "Invalid Request" }, id: null };
const notFound = (id: string) => ({
  jsonrpc: "2.0",
  id,
  error: { code: -32601, message: "Method not found" },
});
const pong = (id: string | number) => ({ jsonrpc: "2.0", result: {}, id });

/** What is sent, as the specification writes it, and what comes back (`undefined`: nothing). */
const examples: [string, string, unknown][] = [
  [
    "a call with positional parameters, none of them",
    '{"jsonrpc": "2.0", "method": "ping", "params": [], "id": 1}',
    pong(1),
  ],
  [
    "a call with named parameters",
    '{"jsonrpc": "2.0", "method": "ping", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    pong(3),
  ],
  [
    "the same, in another order of the members",
    '{"id": 4, "params": {"minuend": 42, "subtrahend": 23}, "method": "ping", "jsonrpc": "2.0"}',
    pong(4),
  ],
  ["a notification", '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', undefined],
  ["a notification without parameters", '{"jsonrpc": "2.0", "method": "foobar"}', undefined],
  [
    "a call of a method that does not exist",
    '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
    notFound("1"),
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
    "a batch of calls, a notification, and bad requests",
    `[ {"jsonrpc": "2.0", "method": "ping", "params": {}, "id": "1"},
       {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
       {"jsonrpc": "2.0", "method": "ping", "params": [], "id": "2"},
       {"foo": "boo"},
       {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
       {"jsonrpc": "2.0", "method": "ping", "id": "9"} ]`.replaceAll("\n", " "),
    [pong("1"), pong("2"), invalid, notFound("5"), pong("9")],
  ],
  [
    "a batch of notifications alone",
    `[ {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
       {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]} ]`.replaceAll("\n", " "),
    undefined,
  ],
];

afterAll(endServers);

describe.each(["header", "ndjson"] as const)("JSON-RPC 2.0, section 7, framed as %s", (framing) => {
  let server: ServerProcess;
  let last = 0;
  beforeAll(() => {
    server = startServer({ framing });
  });

  it.each(examples)("%s", async (_, sent, expected) => {
    const before = server.texts.length;
    const id = `last${++last}`;
    server.send(sent, server.request("ping", undefined, id));
    await server.answer(id);
    const answers = server.texts.slice(before).map((text) => JSON.parse(text));
    expect(answers).toEqual([
      ...(expected === undefined ? [] : [withData(expected)]),
      { jsonrpc: "2.0", id, result: {} },
    ]);
  });
});

/** The specification leaves `data` to the server. */
function withData(expected: unknown): unknown {
  if (Array.isArray(expected)) return expected.map(withData);
  const error = Object(expected).error;
  if (error === undefined) return expected;
  return { ...Object(expected), error: { ...error, data: expect.anything() } };
}
