import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { ToolCallRequest } from "../../src/protocol/index.js";
import { builtInToolNames } from "../../src/protocol/objects/clientTool.js";
import { createTools } from "../../src/tools/index.js";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});
afterAll(endServers);

const symbols = {
  name: "symbols",
  description: "Finds symbols.",
  inputSchema: { type: "object", properties: { query: { type: "string" } } },
};
const call = (name = "symbols", input: object = { query: "run" }) =>
  `@tool ${name} ${JSON.stringify(input)}\n@say after`;

/** Answers the next `callTool` of a session; resolves with its params. */
async function answerCall(session: WireSession, answer: object): Promise<ToolCallRequest> {
  const { server } = session;
  const asked = await server.until(() => server.frames.find(({ method }) => method === "callTool"));
  server.send(JSON.stringify({ jsonrpc: "2.0", id: asked.id, ...answer }));
  return asked.params as unknown as ToolCallRequest;
}

async function open(mode: "ask" | "allow" | "deny" = "ask", tools: object[] = [symbols]) {
  const server = startServer();
  const session = await openSession(server, { permissionMode: mode });
  // Without a handler, the server's requests are left to the test.
  server.onPermission = () => undefined;
  expect(await server.ask("setTools", { tools })).toMatchObject({ result: {} });
  return session;
}

/** The results of the tools that the session called. */
async function results(session: WireSession) {
  const messages = await session.messages();
  return messages.flatMap(({ parts }) => parts.filter((part) => part.type === "toolResult"));
}

async function resultOf(
  answer: object,
): Promise<{ output: string; isError: boolean; text: string }> {
  const session = await open();
  const completion = session.run(call(), "r-1");
  await answerCall(session, answer);
  const { status, text } = await completion;
  expect(status).toBe("succeeded");
  const [result] = await results(session);
  return { output: Object(result).output, isError: Object(result).isError === true, text };
}

describe("a tool of the client", () => {
  it("is called with what the model wrote, asks nothing, and its answer is the result", async () => {
    const session = await open();
    const completion = session.run(call(), "r-1");
    const asked = await answerCall(session, {
      result: { output: "run at 3", diff: "--- a\n+++ b\n" },
    });
    expect(asked).toEqual({
      ...session.ids,
      runId: "r-1",
      toolCallId: expect.any(String),
      name: "symbols",
      input: { query: "run" },
    });
    expect(await completion).toMatchObject({ status: "succeeded", text: "after" });
    expect(await results(session)).toMatchObject([{ output: "run at 3", diff: "--- a\n+++ b\n" }]);
  });

  it.each([
    ["an error", { error: { code: 1, message: "no index yet" } }, "no index yet"],
    ["no handler", { error: { code: -32601, message: "Method not found" } }, "Method not found"],
    ["nonsense", { result: { answer: 42 } }, "no tool's result"],
    ["nothing", { result: null }, "no tool's result"],
    ["a number for a text", { result: { output: 7 } }, "no tool's result"],
    ["its own failure", { result: { output: "index broken", isError: true } }, "index broken"],
  ])("that answers %s gives the model an error, and the run goes on", async (_, answer, told) => {
    const { output, isError, text } = await resultOf(answer);
    expect(output).toContain(told);
    expect(isError).toBe(true);
    expect(text).toBe("after");
  });

  it("that answers 10 MB is cut in the middle", async () => {
    const { output, isError } = await resultOf({
      result: { output: `a${"x".repeat(10_000_000)}z` },
    });
    expect(output.length).toBeLessThan(51_000);
    expect(output).toMatch(/^ax+\n\n\[9,950,002 characters are left out here\]\n\nx+z$/);
    expect(isError).toBe(false);
  });

  it("that answers nested too deep gives the model an error", async () => {
    let deep: unknown = "";
    for (let level = 0; level < 1_000; level++) deep = [deep];
    const { isError, text } = await resultOf({ result: { output: deep } });
    expect([isError, text]).toEqual([true, "after"]);
  });

  it("is offered to no run of a turn that began before, and stays for one that began with it", async () => {
    const { server, provider } = await startLoopbackServer();
    closers.push(() => provider.close());
    const session = await openSession(server, { permissionMode: "ask" });
    server.onPermission = () => undefined;
    const named = (at: number) =>
      JSON.stringify(Object(provider.turnRequests[at]?.body).tools).includes('"symbols"');
    provider.enqueue(reply().text("none"), reply().toolCall("symbols", {}), reply().text("had"));
    await session.run("one", "r-1");
    await server.call("setTools", { tools: [symbols] });
    const second = session.run("two", "r-2");
    await server.until(() => server.frames.find(({ method }) => method === "callTool"));
    await server.call("setTools", { tools: [] });
    await answerCall(session, { result: { output: "x" } });
    expect(await second).toMatchObject({ status: "succeeded", text: "had" });
    expect([named(0), named(1), named(2)]).toEqual([false, true, true]);
  });

  it("is withdrawn when the run is cancelled, and a late answer changes nothing", async () => {
    const session = await open();
    const { server } = session;
    await session.send(call(), "r-1");
    const asked = await server.until(() =>
      server.frames.find(({ method }) => method === "callTool"),
    );
    await session.cancel();
    expect(await server.completion("r-1")).toMatchObject({ status: "cancelled" });
    await server.until(() =>
      server.frames.find(
        ({ method, params }) => method === "$/cancelRequest" && params?.id === asked.id,
      ),
    );
    server.send(JSON.stringify({ jsonrpc: "2.0", id: asked.id, result: { output: "late" } }));
    expect(await session.run("@say fine", "r-2")).toMatchObject({ text: "fine" });
  });

  it("of `limits.toolSeconds` is given up when the client is silent", async () => {
    const server = startServer();
    const session = await openSession(server, { permissionMode: "ask" });
    const { writeFileSync } = await import("node:fs");
    writeFileSync(
      `${session.path}/turnwire.json`,
      JSON.stringify({ limits: { toolSeconds: 0.2 } }),
    );
    server.onPermission = () => undefined;
    await server.call("setTools", { tools: [symbols] });
    expect(await session.run(call(), "r-1")).toMatchObject({ status: "succeeded", text: "after" });
    expect(await results(session)).toMatchObject([
      { isError: true, output: expect.stringContaining("no answer within 0.2 seconds") },
    ]);
    expect(server.frames.some(({ method }) => method === "$/cancelRequest")).toBe(true);
  });

  it("leaves a history that can go on when the server dies during the call", async () => {
    const session = await open();
    const { server } = session;
    await session.send(call(), "r-1");
    await server.until(() => server.frames.find(({ method }) => method === "callTool"));
    await server.kill();
    const next = startServer({ dataDir: server.dataDir });
    await next.call("initialize", { clientId: "next" });
    await next.call("createWorkspace", {
      path: session.path,
      permissionMode: "ask",
      initAgent: true,
    });
    await next.call("sendMessage", { ...session.ids, prompt: "@say on", runId: "r-2" });
    expect(await next.completion("r-2")).toMatchObject({ status: "succeeded", text: "on" });
    const { messages } = await next.call("listMessages", session.ids);
    const parts = messages.flatMap((message) => message.parts);
    const calls = parts.filter((part) => part.type === "toolCall");
    const told = parts.filter((part) => part.type === "toolResult");
    expect(told.map(({ toolCallId }) => toolCallId)).toEqual(
      calls.map(({ toolCallId }) => toolCallId),
    );
  });
});

describe("modes and rules", () => {
  it.each([
    ["deny", false, "denied"],
    ["deny", true, "completed"],
    ["allow", false, "completed"],
  ] as const)("in the mode %s with readOnly %s it is %s", async (mode, readOnly, state) => {
    const session = await open(mode, [{ ...symbols, readOnly }]);
    const completion = session.run(call(), "r-1");
    if (state === "completed") await answerCall(session, { result: { output: "x" } });
    await completion;
    const parts = (await session.messages()).flatMap((message) => message.parts);
    expect(parts.find((part) => part.type === "toolCall")).toMatchObject({ state });
  });

  it("a deny rule refuses it, also if it only reads", async () => {
    const server = startServer();
    const session = await openSession(server, { permissionMode: "allow" });
    const { writeFileSync } = await import("node:fs");
    const file = `${session.path}/turnwire.json`;
    writeFileSync(file, JSON.stringify({ permissions: { deny: ["symbols"] } }));
    await server.call("setTools", { tools: [{ ...symbols, readOnly: true }] });
    await session.run(call(), "r-1");
    const parts = (await session.messages()).flatMap((message) => message.parts);
    expect(parts.find((part) => part.type === "toolCall")).toMatchObject({ state: "denied" });
    expect(server.frames.some(({ method }) => method === "callTool")).toBe(false);
  });

  it("the plan mode offers only those that read", async () => {
    const { server, provider } = await startLoopbackServer();
    closers.push(() => provider.close());
    const session = await openSession(server, { permissionMode: "ask" });
    await server.call("setTools", {
      tools: [symbols, { ...symbols, name: "diagnostics", readOnly: true }],
    });
    await server.call("setPermissionMode", { workspaceId: session.workspaceId, mode: "plan" });
    provider.enqueue(reply().text("planned"));
    await session.run("plan it", "r-1");
    const offered = JSON.stringify(Object(provider.turnRequests[0]?.body).tools);
    expect([offered.includes('"symbols"'), offered.includes('"diagnostics"')]).toEqual([
      false,
      true,
    ]);
  });
});

describe("setTools", () => {
  it.each([
    ["a built-in tool's name", [{ ...symbols, name: "bash" }]],
    ["a name twice", [symbols, symbols]],
    ["a tool server's name", [{ ...symbols, name: "mcp__a__b" }]],
    ["an empty name", [{ ...symbols, name: "" }]],
    ["a name with a dot", [{ ...symbols, name: "a.b" }]],
    ["a name of 65 characters", [{ ...symbols, name: "a".repeat(65) }]],
    ["129 tools", Array.from({ length: 129 }, (_, at) => ({ ...symbols, name: `t${at}` }))],
    ["a long schema", [{ ...symbols, inputSchema: { description: "é".repeat(33_000) } }]],
    [
      "a deep schema",
      [{ ...symbols, inputSchema: JSON.parse(`${'{"not":'.repeat(60)}{}${"}".repeat(60)}`) }],
    ],
    ["a schema that is no object's", [{ ...symbols, inputSchema: { type: "string" } }]],
    ["a list for a schema", [{ ...symbols, inputSchema: [] }]],
    ["properties that are no schemas", [{ ...symbols, inputSchema: { properties: { a: 1 } } }]],
  ])("refuses %s, and the old set stays", async (_, tools) => {
    const session = await open();
    expect(await session.server.failure("setTools", { tools })).toBe("InvalidParams");
    const completion = session.run(call(), "r-1");
    await answerCall(session, { result: { output: "still here" } });
    await completion;
    expect(await results(session)).toMatchObject([{ output: "still here" }]);
  });

  it("takes 128 tools with names of 64 characters", async () => {
    const tools = Array.from({ length: 128 }, (_, at) => ({
      ...symbols,
      name: `t${at}`.padEnd(64, "-"),
    }));
    expect(await startServer().ask("setTools", { tools })).toMatchObject({ result: {} });
  });

  it("knows the name of every built-in tool", () => {
    const names = createTools({ resources: Object.create(null) }).map(({ name }) => name);
    expect([...names, "task", "exitPlan", "skill", "finalOutput"].sort()).toEqual(
      [...builtInToolNames].sort(),
    );
  });
});
