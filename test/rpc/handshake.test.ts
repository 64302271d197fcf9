import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outbox } from "../../src/events/outbox.js";
import { type MemoryClient, MemoryServer, openSession, until } from "../helpers/memoryServer.js";

let server: MemoryServer;
let client: MemoryClient;

beforeEach(() => {
  server = new MemoryServer();
  client = server.connect();
});

afterEach(async () => {
  client.leave();
  await server.close();
});

/** Sends a prompt and takes its turn to its end. */
async function run(
  of: MemoryClient,
  runId: string,
  place: Awaited<ReturnType<typeof openSession>>,
) {
  await of.call("sendMessage", { ...place, prompt: "hi", runId });
  await of.until("messageCreated", of.told("messageCreated").length + 1);
  server.engine.turnOf(place.sessionId).succeed();
  return of.call("waitRun", { workspaceId: place.workspaceId, runId });
}

const methodsOf = (of: MemoryClient) =>
  of.received.map(({ method, id }) => method ?? `answer ${id}`);

describe("initialize", () => {
  it("says what the server is, and gives a client without an identity a fresh one", async () => {
    const result = await client.call("initialize", {});
    expect(result).toMatchObject({
      protocolVersion: 1,
      serverInfo: { name: "turnwire", version: "0.0.0" },
      pendingCompletions: 0,
      capabilities: { maxMessageBytes: 1024, levels: ["core", "durable", "shared"] },
    });
    expect(result.clientId).toMatch(/^cli_/);
    expect(result.capabilities.methods).toContain("sendMessage");
    expect(result.capabilities.notifications).toContain("runComplete");
  });

  it("a second time is AlreadyInitialized", async () => {
    await client.call("initialize", { clientId: "ada" });
    expect(await client.refused("initialize", {})).toMatchObject({
      code: 1016,
      data: { name: "AlreadyInitialized" },
    });
  });

  it("with a version that is not spoken here says which are, and may be sent again", async () => {
    expect(await client.refused("initialize", { protocolVersion: 2 })).toMatchObject({
      code: 1015,
      data: { name: "UnsupportedProtocolVersion", supported: [1] },
    });
    await client.call("initialize", { protocolVersion: 1 });
  });

  it.each(["adopt", "backlog"] as const)(
    "that the disk failed (%s) may be sent again",
    async (step) => {
      const place = await openSession(server, client);
      await client.call("sendMessage", { ...place, prompt: "hi", runId: "a" });
      vi.spyOn(Outbox.prototype, step).mockImplementationOnce(() => {
        throw new Error("the disk");
      });
      const params = { clientId: "ada", processId: 4711 };
      expect(await client.refused("initialize", params)).toMatchObject({ code: -32603 });
      expect(server.watched).toEqual([]);
      expect(await client.call("initialize", params)).toMatchObject({ clientId: "ada" });
      expect(server.watched).toEqual([4711]);
      await until(() => server.engine.live(place.sessionId).length === 1);
      server.engine.turnOf(place.sessionId).succeed();
      expect(await client.until("runComplete")).toMatchObject({ runId: "a" });
      expect((await client.call("listPendingCompletions", {})).completions).toHaveLength(1);
    },
  );

  it("names the process whose death ends the server", async () => {
    await client.call("initialize", { processId: 4711 });
    expect(server.watched).toEqual([4711]);
  });

  it("with null for a process, as some editors send, watches none", async () => {
    await client.call("initialize", { processId: null });
    expect(server.watched).toEqual([]);
  });

  it("that comes late takes the runs before it along", async () => {
    const place = await openSession(server, client);
    await run(client, "a", place);
    await client.call("sendMessage", { ...place, prompt: "hi", runId: "b" });
    const { pendingCompletions } = await client.call("initialize", { clientId: "ada" });
    expect(pendingCompletions).toBe(1);
    await until(() => server.engine.live(place.sessionId).length === 1);
    server.engine.turnOf(place.sessionId).succeed();
    await client.call("waitRun", { workspaceId: place.workspaceId, runId: "b" });
    const { completions } = await client.call("listPendingCompletions", {});
    expect(completions.map(({ runId }: { runId: string }) => runId)).toEqual(["a", "b"]);
    client.leave();
    client = server.connect();
    const again = await client.call("initialize", { clientId: "ada" });
    expect(again.pendingCompletions).toBe(2);
  });

  it("right behind a prompt takes its run along", async () => {
    const place = await openSession(server, client);
    const sent = client.request("sendMessage", { ...place, prompt: "hi", runId: "a" });
    const greeted = client.request("initialize", { clientId: "ada" });
    await Promise.all([sent.answer, greeted.answer]);
    await until(() => server.engine.live(place.sessionId).length === 1);
    server.engine.turnOf(place.sessionId).succeed();
    expect(await client.until("runComplete")).toMatchObject({ runId: "a" });
    const { completions } = await client.call("listPendingCompletions", {});
    expect(completions).toMatchObject([{ runId: "a" }]);
  });

  it("is answered before anything that waits for the client, and that comes in order", async () => {
    const place = await openSession(server, client);
    await client.call("initialize", { clientId: "ada" });
    for (const runId of ["a", "b", "c"]) await run(client, runId, place);
    await client.until("runComplete", 3);
    client.leave();
    client = server.connect();
    const { id, answer } = client.request("initialize", { clientId: "ada" });
    expect((await answer).result).toMatchObject({ pendingCompletions: 3 });
    await client.until("runComplete", 3);
    expect(methodsOf(client)).toEqual([
      `answer ${id}`,
      ...["runComplete", "runComplete", "runComplete"],
    ]);
    expect(client.told("runComplete").map(({ runId, attempt }) => [runId, attempt])).toEqual([
      ["a", 2],
      ["b", 2],
      ["c", 2],
    ]);
  });

  it("in a batch is answered before anything that waits for the client, too", async () => {
    const place = await openSession(server, client);
    await client.call("initialize", { clientId: "ada" });
    await run(client, "a", place);
    client.leave();
    client = server.connect();
    client.send([{ jsonrpc: "2.0", id: 900, method: "initialize", params: { clientId: "ada" } }]);
    await client.until("runComplete");
    expect(Array.isArray(client.received[0])).toBe(true);
    expect(client.received[1]?.method).toBe("runComplete");
  });
});

describe("optOutNotifications", () => {
  it("keeps back what the client does not want, and never a completion", async () => {
    const optOutNotifications = ["messageCreated", "sessionUpdated", "runComplete"];
    await client.call("initialize", { clientId: "ada", optOutNotifications });
    const place = await openSession(server, client);
    await client.call("sendMessage", { ...place, prompt: "hi", runId: "a" });
    await client.call("ping");
    while (server.engine.live().length === 0) await client.call("ping");
    server.engine.turnOf(place.sessionId).succeed();
    await client.until("runComplete");
    const names = new Set(client.received.map(({ method }) => method));
    expect(names).toContain("messageUpdated");
    expect(names).not.toContain("messageCreated");
    expect(names).not.toContain("sessionUpdated");
  });
});

describe("a client without initialize", () => {
  it("gets its completions, and can acknowledge them", async () => {
    const place = await openSession(server, client);
    await run(client, "a", place);
    const { completionId } = await client.until("runComplete");
    expect(await client.call("acknowledge", { completionIds: [completionId, "x"] })).toEqual({
      acknowledged: [completionId],
      unknown: ["x"],
    });
    expect(await client.call("listPendingCompletions", {})).toEqual({ completions: [] });
  });
});

describe("acknowledge", () => {
  it("may be a notification", async () => {
    const place = await openSession(server, client);
    await run(client, "a", place);
    const { completionId } = await client.until("runComplete");
    client.notify("acknowledge", { completionIds: [completionId] });
    expect(await client.call("listPendingCompletions", {})).toEqual({ completions: [] });
    client.notify("acknowledge", { completionIds: 5 });
    client.notify("sendMessage", { ...place, prompt: "never", runId: "n" });
    await client.call("ping");
    expect(client.received.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(
      await client.refused("getRun", { workspaceId: place.workspaceId, runId: "n" }),
    ).toMatchObject({ data: { name: "RunNotFound" } });
  });

  it("is the client's own: another's completions are unknown to it", async () => {
    await client.call("initialize", { clientId: "ada" });
    await run(client, "a", await openSession(server, client));
    const { completionId } = await client.until("runComplete");
    const other = server.connect();
    await other.call("initialize", { clientId: "ben" });
    expect(await other.call("acknowledge", { completionIds: [completionId] })).toEqual({
      acknowledged: [],
      unknown: [completionId],
    });
    expect(other.told("runComplete")).toEqual([]);
    other.leave();
  });
});

describe("shutdown", () => {
  it("ends every turn first, and lets nothing else in", async () => {
    const place = await openSession(server, client);
    server.engine.stopsAtOnce = false;
    await client.call("sendMessage", { ...place, prompt: "hi", runId: "a" });
    await client.until("messageCreated");
    const shutdown = client.request("shutdown");
    expect(await client.refused("ping")).toMatchObject({
      code: 1014,
      data: { name: "ServerShuttingDown" },
    });
    server.engine.turnOf(place.sessionId).stop();
    expect((await shutdown.answer).result).toEqual({});
    expect(client.told("runComplete")).toMatchObject([{ status: "cancelled", cause: "shutdown" }]);
    const names = methodsOf(client);
    expect(names.indexOf("runComplete")).toBeLessThan(names.indexOf(`answer ${shutdown.id}`));
  });

  it("is followed by exit", async () => {
    await client.call("shutdown");
    client.notify("exit");
    await client.exitAsked;
  });
});

describe("a request that is cancelled", () => {
  it("stops waiting, and what it waited for goes on", async () => {
    const place = await openSession(server, client);
    await client.call("sendMessage", { ...place, prompt: "hi", runId: "a" });
    const wait = client.request("waitRun", { workspaceId: place.workspaceId, runId: "a" });
    await client.call("ping");
    // A turn may begin some time after its prompt was answered.
    await until(() => server.engine.live(place.sessionId).length === 1);
    client.notify("$/cancelRequest", { id: wait.id });
    expect((await wait.answer).error).toMatchObject({ code: -32800 });
    server.engine.turnOf(place.sessionId).succeed();
    expect(await client.until("runComplete")).toMatchObject({ runId: "a", status: "succeeded" });
  });
});
