// protocol.md section 2: `initialize`, `ping`, `shutdown`, `exit`.
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { daemonMethods, methods, notifications } from "../../src/protocol/index.js";
import { reply } from "../helpers/loopbackProvider.js";
import { Gate, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const { version } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
);

describe("initialize", () => {
  it("answers who the server is, who the client is, and what can be called", async () => {
    const server = startServer({ args: ["--max-message-bytes", "12345"] });
    const result = await server.call("initialize", {
      protocolVersion: 1,
      clientInfo: { name: "editor", version: "2" },
      clientId: "ada",
      processId: process.pid,
      ackTimeoutMs: 60_000,
      optOutNotifications: [],
      capabilities: { requestPermission: true },
    });
    expect(result).toEqual({
      protocolVersion: 1,
      serverInfo: { name: "turnwire", version },
      clientId: "ada",
      pendingCompletions: 0,
      capabilities: {
        methods: Object.keys(methods).filter((name) => !daemonMethods.includes(name)),
        notifications: Object.keys(notifications),
        maxMessageBytes: 12345,
        levels: ["core", "durable", "shared"],
      },
    });
  });

  it.each([undefined, null, {}, []])("takes no params as %j", async (params) => {
    const server = startServer();
    const { result } = await server.ask("initialize", params);
    expect(result).toMatchObject({ protocolVersion: 1, pendingCompletions: 0 });
  });

  it("gives a client without an identity a fresh one", async () => {
    const answers = await Promise.all(
      [startServer(), startServer()].map((server) => server.call("initialize", {})),
    );
    const ids = answers.map(({ clientId }) => clientId);
    expect(new Set(ids).size).toBe(2);
    expect(ids.every((id) => id.length > 8)).toBe(true);
  });

  it("is answered once; a second one is `AlreadyInitialized` and changes nothing", async () => {
    const server = startServer();
    await server.call("initialize", { clientId: "ada" });
    expect(await server.fail("initialize", { clientId: "eve" })).toMatchObject({
      code: 1016,
      data: { name: "AlreadyInitialized", retryable: false },
    });
    const session = await openSession(server);
    await session.run("@say hi", "r-1");
    await server.close();
    const next = startServer({ dataDir: server.dataDir });
    expect(await next.call("initialize", { clientId: "ada" })).toMatchObject({
      pendingCompletions: 1,
    });
  });

  it("of another version says which are supported, and may be sent again", async () => {
    const server = startServer();
    expect(await server.fail("initialize", { protocolVersion: 2 })).toMatchObject({
      code: 1015,
      data: { name: "UnsupportedProtocolVersion", supported: [1], retryable: false },
    });
    expect(await server.failure("initialize", { protocolVersion: "1" })).toBe("InvalidParams");
    expect(await server.call("initialize", { protocolVersion: 1 })).toMatchObject({
      protocolVersion: 1,
    });
  });

  it("is recommended, not required", async () => {
    const server = startServer();
    const session = await openSession(server);
    expect(await session.run("@say hi", "r-1")).toMatchObject({ text: "hi", attempt: 1 });
  });

  it("that comes late keeps the completions of what ran before it", async () => {
    const server = startServer();
    const session = await openSession(server);
    const { completionId } = await session.run("@say hi", "r-1");
    expect(await server.call("initialize", { clientId: "ada" })).toMatchObject({
      pendingCompletions: 1,
    });
    expect(await server.call("acknowledge", { completionIds: [completionId] })).toEqual({
      acknowledged: [completionId],
      unknown: [],
    });
  });

  it("may name notifications that the client does not want, but not `runComplete`", async () => {
    const server = startServer();
    const unwanted = ["messageDelta", "sessionUpdated", "runComplete", "unheardOf"];
    await server.call("initialize", { optOutNotifications: unwanted });
    const session = await openSession(server);
    await session.run("@say hi", "r-1");
    const kinds = new Set(server.frames.flatMap(({ method }) => method ?? []));
    expect([...kinds].sort()).toEqual([
      "agentFinished",
      "messageCreated",
      "messageUpdated",
      "runComplete",
    ]);
  });
});

describe("params", () => {
  it.each(["ping", "listWorkspaces", "listPendingCompletions"])(
    "of %s may be omitted, null, {} or []",
    async (method) => {
      const server = startServer();
      for (const params of [undefined, null, {}, []]) {
        expect((await server.ask(method, params)).error).toBeUndefined();
      }
    },
  );
});

describe("shutdown", () => {
  it("of an idle server is answered; `exit` ends it with 0", async () => {
    const server = startServer();
    expect(await server.call("shutdown", {})).toEqual({});
    server.notify("exit");
    expect(await server.exit).toEqual({ code: 0, signal: null });
  });

  it("cancels what runs and what waits, and their completions come before its answer", async () => {
    const { server, provider } = await startLoopbackServer();
    const session = await openSession(server);
    const gate = new Gate(provider);
    provider.enqueue(reply().gate(gate.opened));
    await session.send("hello", "r-1");
    await gate.reached();
    await session.send("more", "r-2");
    server.send(server.request("shutdown", {}, "end"));
    await server.answer("end");
    const order = server.frames.map(({ id, params }) => id ?? params?.runId);
    expect(order.indexOf("end")).toBeGreaterThan(order.lastIndexOf("r-1"));
    const ended = server.events("runComplete");
    expect(ended.map(({ runId, status, cause }) => [runId, status, cause]).sort()).toEqual([
      ["r-1", "cancelled", "shutdown"],
      ["r-2", "cancelled", "shutdown"],
    ]);
    expect(server.events("workspaceClosed")).toHaveLength(1);
    server.notify("exit");
    expect(await server.exit).toEqual({ code: 0, signal: null });
    await provider.close();
  });

  it("refuses every other request from its arrival on; a second one is answered too", async () => {
    const { server, provider } = await startLoopbackServer();
    const session = await openSession(server);
    const gate = new Gate(provider);
    provider.enqueue(reply().gate(gate.opened));
    await session.send("hello", "r-1");
    await gate.reached();
    server.send(
      server.request("shutdown", {}, "end"),
      server.request("ping", {}, "refused"),
      session.prompt("too late", "r-2"),
      server.request("nothing", {}, "unknown"),
      server.request("shutdown", {}, "again"),
    );
    expect(await server.answer("refused")).toMatchObject({
      error: { code: 1014, data: { name: "ServerShuttingDown", retryable: false } },
    });
    expect(await server.answer("unknown")).toMatchObject({ error: { code: 1014 } });
    expect(await server.answer("again")).toMatchObject({ result: {} });
    expect(await server.answer("end")).toMatchObject({ result: {} });
    expect(server.events("runComplete")).toMatchObject([{ runId: "r-1" }]);
    expect(await server.close()).toEqual({ code: 0, signal: null });
    await provider.close();
  });

  it("with --linger lets the running turn finish before it is answered", async () => {
    const { server, provider } = await startLoopbackServer({ args: ["--linger", "60"] });
    const session = await openSession(server);
    const gate = new Gate(provider);
    provider.enqueue(reply().gate(gate.opened).text("done"));
    await session.send("hello", "r-1");
    await gate.reached();
    server.send(server.request("shutdown", {}, "end"), server.request("ping", {}, "refused"));
    await server.answer("refused");
    gate.open();
    await server.answer("end");
    expect(server.events("runComplete")).toMatchObject([{ status: "succeeded", text: "done" }]);
    await provider.close();
  });

  it("lets completions be acknowledged meanwhile by notification", async () => {
    const server = startServer();
    await server.call("initialize", { clientId: "ada" });
    const session = await openSession(server);
    const { completionId } = await session.run("@say hi", "r-1");
    await server.call("shutdown", {});
    server.notify("acknowledge", { completionIds: [completionId] });
    server.notify("exit");
    expect(await server.exit).toEqual({ code: 0, signal: null });
    const next = startServer({ dataDir: server.dataDir });
    expect(await next.call("initialize", { clientId: "ada" })).toMatchObject({
      pendingCompletions: 0,
    });
  });
});

describe("exit", () => {
  it("without `shutdown` ends the server with 1, and what runs has its completion", async () => {
    const server = startServer();
    await server.call("initialize", { clientId: "ada" });
    const session = await openSession(server);
    await session.send("@wait 60000", "r-1");
    server.notify("exit");
    expect(await server.exit).toEqual({ code: 1, signal: null });
    expect(server.events("runComplete")).toMatchObject([{ runId: "r-1", status: "cancelled" }]);
  });

  it("behind a `shutdown` that is not answered yet ends it with 0", async () => {
    const server = startServer();
    server.send(server.request("shutdown"), '{"jsonrpc":"2.0","method":"exit"}');
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(server.frames).toMatchObject([{ result: {} }]);
  });
});
