import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { acpMethods } from "../../src/inspector/acpMembers.js";
import type { Side } from "../../src/inspector/entries.js";
import { MessageCheck } from "../../src/inspector/messageCheck.js";
import { loadMessageSchemas } from "../../src/inspector/messageSchemas.js";

const library = new URL("../../src/protocol/index.ts", import.meta.url).href;

/** What is wrong with each message, in order. */
async function check(...messages: [Side, object][]): Promise<(string | undefined)[]> {
  const schemas = loadMessageSchemas(library);
  await schemas;
  const watch = new MessageCheck(schemas);
  await new Promise(setImmediate);
  return messages.map(([from, message]) => watch.check(from, { jsonrpc: "2.0", ...message }));
}

const ours = { id: 0, method: "initialize", params: { protocolVersion: 1, clientId: "c" } };
const theirs = {
  id: 0,
  method: "initialize",
  params: { protocolVersion: 1, clientCapabilities: {} },
};

it("says what protocol.md says of params, results and who may send what", async () => {
  expect(
    await check(
      ["client", ours],
      ["client", { id: 1, method: "getRun", params: { runId: 1 } }],
      ["server", { id: 9, method: "ping" }],
      ["server", { method: "runComplete", params: {} }],
      ["client", { method: "acknowledge", params: { completionIds: [] } }],
      ["client", { id: 2, method: "acknowledge", params: { completionIds: ["a"] } }],
      ["server", { id: 2, result: { acknowledged: "a" } }],
      ["client", { id: 3, method: "toString" }],
      ["client", { method: "$/cancelRequest", params: { id: 3 } }],
      ["client", { method: "$/setTrace", params: { value: "loud" } }],
      ["server", { method: "$/logTrace", params: { message: "Received." } }],
    ),
  ).toEqual([
    undefined,
    expect.stringMatching(/^protocol\.md: params\.workspaceId/),
    "protocol.md: the server has no request ping",
    expect.stringMatching(/^protocol\.md: params\./),
    undefined,
    undefined,
    expect.stringMatching(/^protocol\.md: result\.acknowledged/),
    "protocol.md: the client has no request toString",
    undefined,
    expect.stringMatching(/^protocol\.md: params\.value/),
    undefined,
  ]);
});

it("says what the Agent Client Protocol says", async () => {
  expect(
    await check(
      ["client", theirs],
      ["server", { id: 0, result: {} }],
      ["client", { id: 1, method: "session/new", params: { cwd: "/", mcpServers: {} } }],
      ["client", { id: 2, method: "session/prompt", params: { sessionId: "s" } }],
      ["server", { method: "session/update", params: { sessionId: "s", update: {} } }],
      ["server", { id: 5, method: "session/update", params: { sessionId: "s", update: {} } }],
      ["client", { id: 3, method: "fs/read_text_file", params: {} }],
      ["client", { id: 4, method: "_ours/thing", params: 7 }],
      ["client", { id: 6, method: "_ours/thing" }],
    ),
  ).toEqual([
    undefined,
    "ACP: result.protocolVersion is missing",
    "ACP: params.mcpServers must be array, and is object",
    "ACP: params.prompt is missing",
    undefined,
    "ACP: the server has no request session/update",
    "ACP: the client has no request fs/read_text_file",
    "JSON-RPC: `params` must be an object or an array",
    undefined,
  ]);
});

it("says nothing of a protocol that it does not know", async () => {
  const theirOwn = {
    id: 0,
    method: "initialize",
    params: { processId: 1, rootUri: null, capabilities: {} },
  };
  expect(
    await check(
      ["client", theirOwn],
      ["server", { id: 0, result: 1 }],
      ["client", { id: 1, method: "shutdown", params: [] }],
    ),
  ).toEqual([undefined, undefined, undefined]);
});

it("requires what the schema of the Agent Client Protocol requires", () => {
  const file = "../../node_modules/@agentclientprotocol/sdk/schema/v1/schema.json";
  const schema = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
  type Definition = { required?: string[]; properties?: Record<string, { type?: string }> };
  const required = ({ required: names = [], properties = {} }: Definition) =>
    Object.fromEntries(names.map((name) => [name, properties[name]?.type]));
  const found: Record<string, { by?: string; params?: object; result?: object }> = {};
  for (const [name, definition] of Object.entries<Definition>(schema.$defs ?? schema.definitions)) {
    const method = Reflect.get(definition, "x-method") as string | undefined;
    if (method === undefined || method.startsWith("$/")) continue;
    const entry = found[method] ?? {};
    found[method] = entry;
    if (name.endsWith("Response")) entry.result = required(definition);
    else
      Object.assign(entry, { by: Reflect.get(definition, "x-side"), params: required(definition) });
  }
  expect(acpMethods).toStrictEqual(found);
});
