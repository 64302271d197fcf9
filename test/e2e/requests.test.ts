// protocol.md section 1: batches, and requests that are cancelled.
import { afterAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { Gate, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const ping = (id: unknown) => JSON.stringify({ jsonrpc: "2.0", id, method: "ping" });
const pong = (id: unknown) => ({ jsonrpc: "2.0", id, result: {} });
const invalidRequest = { jsonrpc: "2.0", id: null, error: { code: -32600 } };

describe("batches", () => {
  it("mix requests and notifications, and are answered as one, in order", async () => {
    const server = startServer();
    const before = server.texts.length;
    const unknown = '{"jsonrpc":"2.0","id":2,"method":"nope"}';
    const note = '{"jsonrpc":"2.0","method":"acknowledge","params":{"completionIds":[]}}';
    server.send(`[${[ping(1), note, unknown, "7", ping("x")].join()}]`);
    await server.answer("x");
    expect(server.texts.slice(before).map((text) => JSON.parse(text))).toMatchObject([
      [pong(1), { id: 2, error: { code: -32601 } }, invalidRequest, pong("x")],
    ]);
  });

  it("wait for their slowest request and hold up no other", async () => {
    const { server, provider } = await startLoopbackServer();
    const session = await openSession(server);
    const gate = new Gate(provider);
    provider.enqueue(reply().gate(gate.opened).text("late"));
    const { workspaceId } = session;
    const wait = server.request("waitRun", { workspaceId, runId: "r-1" }, "wait");
    server.send(`[${[session.prompt("hello", "r-1"), wait].join()}]`);
    await gate.reached();
    await server.settle();
    expect(server.frames.some(({ id }) => id === "wait")).toBe(false);
    gate.open();
    expect(await server.answer("wait")).toMatchObject({ result: { text: "late" } });
    await provider.close();
  });
});

describe("$/cancelRequest", () => {
  it("ends a request that is being worked on with -32800, once, and the run goes on", async () => {
    const { server, provider } = await startLoopbackServer();
    const session = await openSession(server);
    const gate = new Gate(provider);
    provider.enqueue(reply().gate(gate.opened).text("done"));
    await session.send("hello", "r-1");
    const { workspaceId } = session;
    server.send(server.request("waitRun", { workspaceId, runId: "r-1" }, "wait"));
    server.notify("$/cancelRequest", { id: "wait" });
    server.notify("$/cancelRequest", { id: "wait" });
    expect(await server.answer("wait")).toMatchObject({
      error: { code: -32800, data: { name: "RequestCancelled", retryable: false } },
    });
    gate.open();
    expect(await server.completion("r-1")).toMatchObject({ status: "succeeded", text: "done" });
    expect(server.frames.filter(({ id }) => id === "wait")).toHaveLength(1);
    await provider.close();
  });

  it("of a `sendMessage` that is answered already changes nothing", async () => {
    const server = startServer();
    const session = await openSession(server);
    server.send(
      server.request("sendMessage", session.params("@say all of it", "r-1"), "send"),
      '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"send"}}',
    );
    expect(await server.completion("r-1")).toMatchObject({ status: "succeeded" });
  });
});
