import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import type { PermissionQuestion } from "../../src/protocol/index.js";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** A script that leaves a file behind, so that one can see whether it ran. */
const touch = (name: string) => `@tool bash ${JSON.stringify({ command: `: > ${name}` })}`;
const ran = (session: WireSession, name: string) => existsSync(join(session.path, name));

/** The state of every tool call of the session, in order. */
async function callStates(session: WireSession): Promise<string[]> {
  const messages = await session.messages();
  return messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.type === "toolCall" ? [part.state] : [])),
  );
}

async function openAsking(server = startServer()): Promise<WireSession> {
  return openSession(server, { permissionMode: "ask" });
}

describe("the mode", () => {
  it("`allow` asks nothing", async () => {
    const server = startServer();
    const session = await openSession(server, { permissionMode: "allow" });
    expect(await session.run(touch("a"), "r-1")).toMatchObject({ status: "succeeded" });
    expect(ran(session, "a")).toBe(true);
    expect(server.frames.some(({ method }) => method === "requestPermission")).toBe(false);
  });

  it("`deny` refuses what would ask, and not what need not", async () => {
    const server = startServer();
    const session = await openSession(server, { permissionMode: "deny" });
    expect(await session.run(`@tool ls {}\n${touch("a")}\n@say after`, "r-1")).toMatchObject({
      status: "succeeded",
      text: "after",
    });
    expect(ran(session, "a")).toBe(false);
    expect(await callStates(session)).toEqual(["completed", "denied"]);
    expect(server.frames.some(({ method }) => method === "requestPermission")).toBe(false);
  });

  it("can be changed between two turns", async () => {
    const server = startServer();
    const session = await openSession(server, { permissionMode: "deny" });
    const { workspaceId } = session;
    await session.run(touch("a"), "r-1");
    await server.call("setPermissionMode", { workspaceId, mode: "allow" });
    await session.run(touch("b"), "r-2");
    expect([ran(session, "a"), ran(session, "b")]).toEqual([false, true]);
  });

  it("decides a question that is open, and the turn goes on", async () => {
    const session = await openAsking();
    const { server } = session;
    const asked = new Deferred<void>();
    server.onPermission = () => {
      asked.resolve();
      return new Promise(() => {});
    };
    const running = session.run(touch("a"), "r-1");
    await asked.promise;
    await server.call("setPermissionMode", { workspaceId: session.workspaceId, mode: "allow" });
    expect(await running).toMatchObject({ status: "succeeded" });
    expect(ran(session, "a")).toBe(true);
  });
});

describe("the question", () => {
  it("tells what is to be done, and by which call of which run", async () => {
    const session = await openAsking();
    const { server } = session;
    const asked = new Deferred<PermissionQuestion>();
    server.onPermission = (question) => {
      asked.resolve(question);
      return { result: { decision: "allow" } };
    };
    await session.run(touch("a"), "r-1");
    const [call] = (await session.messages()).flatMap(({ parts }) =>
      parts.filter((part) => part.type === "toolCall"),
    );
    expect(await asked.promise).toMatchObject({
      ...session.ids,
      runId: "r-1",
      tool: "bash",
      action: "execute",
      permissionId: expect.any(String),
      description: expect.stringContaining(": > a"),
      input: { command: ": > a" },
      toolCallId: Object(call).toolCallId,
    });
  });

  it("is answered `allow`: the tool runs, and that is told", async () => {
    const session = await openAsking();
    const { server } = session;
    server.onPermission = () => ({ result: { decision: "allow" } });
    await session.run(touch("a"), "r-1");
    expect(ran(session, "a")).toBe(true);
    const question = server.frames.find(({ method }) => method === "requestPermission");
    expect(server.events("permissionResolved")).toEqual([
      {
        ...session.ids,
        runId: "r-1",
        permissionId: question?.params?.permissionId,
        decision: "allow",
      },
    ]);
  });

  it("is answered `deny`: the tool does not run, and the model is told why", async () => {
    const { server, provider } = await startLoopbackServer();
    const session = await openAsking(server);
    server.onPermission = () => ({ result: { decision: "deny", message: "not on a Sunday" } });
    provider.enqueue(reply().toolCall("bash", { command: ": > a" }), reply().text("Then not."));
    expect(await session.run("do it", "r-1")).toMatchObject({ status: "succeeded" });
    expect(ran(session, "a")).toBe(false);
    expect(await callStates(session)).toEqual(["denied"]);
    const told = provider.turnRequests[1]?.body.messages.at(-1);
    expect(told).toMatchObject({
      role: "tool",
      content: expect.stringContaining("not on a Sunday"),
    });
    expect(server.events("permissionResolved")).toMatchObject([{ decision: "deny" }]);
    await provider.close();
  });

  it("is answered `allowForSession`: the same is not asked again in it, but in another", async () => {
    const session = await openAsking();
    const { server } = session;
    let asked = 0;
    server.onPermission = () => {
      asked++;
      return { result: { decision: "allowForSession" } };
    };
    await session.run(`${touch("a")}\n${touch("a")}`, "r-1");
    await session.run(touch("a"), "r-2");
    expect(asked).toBe(1);
    await session.run(touch("b"), "r-3");
    expect(asked).toBe(2);
    await (await session.another()).run(touch("a"), "r-4");
    expect(asked).toBe(3);
  });

  it.each([
    ["without a handler", undefined],
    ["with an error", () => ({ error: { code: 1, message: "no" } })],
    ["with nothing", () => ({ result: null })],
    ["with a decision that is none", () => ({ result: { decision: "maybe" } })],
    ["with a text", () => ({ result: "allow" })],
  ] as [string, ServerProcess["onPermission"]][])("answered %s is `deny`", async (_, handler) => {
    const session = await openAsking();
    const { server } = session;
    server.onPermission = handler;
    expect(await session.run(`${touch("a")}\n@say after`, "r-1")).toMatchObject({ text: "after" });
    expect(ran(session, "a")).toBe(false);
    expect(await callStates(session)).toEqual(["denied"]);
    expect(server.events("permissionResolved")).toMatchObject([{ decision: "deny" }]);
    await server.settle();
  });

  it("is never sent to a client that said it cannot answer", async () => {
    const server = startServer();
    await server.call("initialize", { capabilities: { requestPermission: false } });
    const session = await openAsking(server);
    await session.run(touch("a"), "r-1");
    expect(ran(session, "a")).toBe(false);
    expect(server.frames.some(({ method }) => method === "requestPermission")).toBe(false);
  });

  it("of one session holds up no other", async () => {
    const session = await openAsking();
    const { server } = session;
    const other = await session.another();
    const held = new Deferred<void>();
    server.onPermission = async ({ sessionId }) => {
      if (sessionId === session.sessionId) await held.promise;
      return { result: { decision: "allow" } };
    };
    await session.send(touch("a"), "r-1");
    await server.until(() => server.frames.find(({ method }) => method === "requestPermission"));
    expect(await other.run(touch("b"), "r-2")).toMatchObject({ status: "succeeded" });
    expect([ran(session, "a"), ran(other, "b")]).toEqual([false, true]);
    held.resolve();
    await server.completion("r-1");
    expect(ran(session, "a")).toBe(true);
  });
});

describe("a turn that is cancelled while it asks", () => {
  it("withdraws its question, and a late answer changes nothing", async () => {
    const session = await openAsking();
    const { server } = session;
    server.onPermission = () => undefined;
    await session.send(touch("a"), "r-1");
    const question = await server.until(() =>
      server.frames.find(({ method }) => method === "requestPermission"),
    );
    expect(await server.call("getSession", session.ids)).toMatchObject({ isBusy: true });
    expect(await session.cancel()).toEqual({ cancelled: [{ runId: "r-1", was: "running" }] });
    const withdrawal = await server.until(() =>
      server.frames.find(({ method }) => method === "$/cancelRequest"),
    );
    expect(withdrawal.params).toEqual({ id: question.id });
    expect(await server.completion("r-1")).toMatchObject({ status: "cancelled", cause: "user" });
    server.send(JSON.stringify({ jsonrpc: "2.0", id: question.id, result: { decision: "allow" } }));
    await session.run("@say next", "r-2");
    expect(ran(session, "a")).toBe(false);
    expect(await callStates(session)).toEqual(["cancelled"]);
    expect(server.events("permissionResolved")).toMatchObject([{ decision: "deny" }]);
  });

  it("by the end of the workspace does so too", async () => {
    const session = await openAsking();
    const { server, workspaceId } = session;
    server.onPermission = () => undefined;
    await session.send(touch("a"), "r-1");
    await server.until(() => server.frames.find(({ method }) => method === "requestPermission"));
    await server.call("deleteWorkspace", { workspaceId });
    await server.event("workspaceClosed");
    expect(server.events("runComplete")).toMatchObject([{ status: "cancelled", cause: "deleted" }]);
    expect(server.frames.some(({ method }) => method === "$/cancelRequest")).toBe(true);
  });

  it("by the client's going away ends at once", async () => {
    const session = await openAsking();
    const { server } = session;
    server.onPermission = () => undefined;
    await session.send(touch("a"), "r-1");
    await server.until(() => server.frames.find(({ method }) => method === "requestPermission"));
    expect(await server.close()).toEqual({ code: 0, signal: null });
    expect(ran(session, "a")).toBe(false);
  });
});

it("a client that goes away while it is asked has denied, and with --linger the turn goes on", async () => {
  const server = startServer({ args: ["--linger", "60"] });
  await server.call("initialize", { clientId: "ada" });
  const session = await openAsking(server);
  server.onPermission = () => undefined;
  await session.send(`${touch("a")}\n@say went on`, "r-1");
  await server.until(() => server.frames.find(({ method }) => method === "requestPermission"));
  expect(await server.close()).toEqual({ code: 0, signal: null });
  expect(ran(session, "a")).toBe(false);
  const next = startServer({ dataDir: server.dataDir });
  await next.call("initialize", { clientId: "ada" });
  expect(await next.completion("r-1")).toMatchObject({ status: "succeeded", text: "went on" });
});
