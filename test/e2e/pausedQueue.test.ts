// protocol.md section 4, The queue: listing, changing and holding it, with the built server.
import { afterAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import {
  Gate,
  type LoopbackServer,
  startLoopbackServer,
  turnRequest,
  userTexts,
} from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openSession, WireSession } from "../helpers/wireSession.js";

const houses: LoopbackServer[] = [];
afterAll(async () => {
  await endServers();
  for (const { provider } of houses) await provider.close();
});

/** A session whose first turn waits at the gate. */
async function busySession() {
  const house = await startLoopbackServer();
  houses.push(house);
  const { server, provider } = house;
  await server.call("initialize", { clientId: "ada" });
  const session = await openSession(server);
  const gate = new Gate(provider);
  provider.enqueue(reply().gate(gate.opened).toolCall("ls", { path: "." }));
  await session.send("begin", "first");
  await gate.reached();
  return { ...house, session, gate };
}

/** The same session in another server on the directory. */
async function again(house: LoopbackServer, session: WireSession, clientId = "ada") {
  const server = startServer({ dataDir: house.server.dataDir, env: house.env });
  await server.call("initialize", { clientId });
  await server.call("createWorkspace", {
    path: session.path,
    permissionMode: "allow",
    initAgent: true,
  });
  return new WireSession(server, session.workspaceId, session.sessionId, session.path);
}

const list = ({ server, ids }: WireSession) => server.call("listQueue", ids);
const texts = async (session: WireSession) =>
  (await list(session)).entries.map(({ prompt }) => prompt);
const ends = (server: ServerProcess, sessionId: string) =>
  server.events("runComplete", { sessionId }).map(({ runId, status }) => `${runId}: ${status}`);

describe("a queue", () => {
  it("is listed, edited, moved and cut, and runs as it was changed", async () => {
    const { session, gate, server, provider } = await busySession();
    for (const id of ["a", "b", "c", "d"]) await session.send(`do ${id}`, id);
    const { entries, paused } = await list(session);
    expect(paused).toBe(false);
    expect(entries).toMatchObject(
      ["a", "b", "c", "d"].map((runId) => ({ runId, prompt: `do ${runId}` })),
    );
    const [a, b, c, d] = entries.map(({ queueId }) => ({ ...session.ids, queueId }));
    expect(await server.call("editQueued", { ...b, prompt: "do b well" } as never)).toMatchObject({
      queueId: b?.queueId,
      runId: "b",
      prompt: "do b well",
    });
    expect(await server.call("moveQueued", { ...d, before: a?.queueId } as never)).toEqual({});
    expect(await server.call("moveQueued", { ...a } as never)).toEqual({});
    expect(await server.call("removeQueued", { ...c } as never)).toEqual({});
    expect(await texts(session)).toEqual(["do d", "do b well", "do a"]);
    expect(await server.completion("c")).toMatchObject({
      status: "cancelled",
      cause: "user",
      neverRan: true,
    });
    // The run is the one that was sent, whatever its text has become.
    expect(await session.send("do b", "b")).toMatchObject({ duplicate: true });
    const { workspaceId, sessionId } = session;
    expect(
      await server.fail("sendMessage", {
        workspaceId,
        sessionId,
        prompt: "do b well",
        runId: "b",
      }),
    ).toMatchObject({ data: { name: "RunIdConflict" } });
    gate.open();
    await server.completion("a");
    expect(ends(server, sessionId)).toEqual([
      ...["c: cancelled", "first: succeeded", "d: succeeded", "b: succeeded", "a: succeeded"],
    ]);
    const last = provider.turnRequests.at(-1);
    expect(last && userTexts(last)).toEqual(["begin", "do d", "do b well", "do a"]);
  });

  it("says what is wrong with a change", async () => {
    const { session, gate, server } = await busySession();
    await session.send("waits", "w");
    const [entry] = (await list(session)).entries;
    const at = { ...session.ids, queueId: entry?.queueId ?? "" };
    const wrong = { ...session.ids, queueId: "que_none" };
    const named = (name: string) => ({ data: { name } });
    expect(await server.fail("editQueued", { ...at, prompt: " " })).toMatchObject(
      named("EmptyPrompt"),
    );
    for (const refused of [
      await server.fail("editQueued", { ...wrong, prompt: "x" }),
      await server.fail("moveQueued", { ...at, before: "que_none" }),
      await server.fail("moveQueued", wrong),
      await server.fail("removeQueued", wrong),
    ]) {
      expect(refused).toMatchObject({ code: 1023, ...named("QueueEntryNotFound") });
    }
    expect(await server.fail("pauseQueue", { ...session.ids, sessionId: "s" })).toMatchObject(
      named("SessionNotFound"),
    );
    gate.open();
    await server.completion("w");
    // One that has begun waits no more.
    expect(await server.fail("removeQueued", at)).toMatchObject({ code: 1023 });
  });
});

describe("a paused queue", () => {
  it("lets the turn go on, folds nothing, starts nothing, and goes on when told", async () => {
    const { session, gate, server, provider } = await busySession();
    await session.send("joins");
    expect(await server.call("pauseQueue", session.ids)).toEqual({});
    await session.send("named", "n");
    gate.open();
    expect(await server.completion("first")).toMatchObject({ foldedPrompts: 0 });
    await session.send("later");
    expect(await server.call("getSession", session.ids)).toMatchObject({
      isBusy: false,
      queuePaused: true,
      queuedPrompts: 3,
    });
    const { workspaceId } = session;
    expect(await server.call("getAgentInfo", { workspaceId })).toMatchObject({ isBusy: false });
    expect(await list(session)).toMatchObject({ paused: true, entries: [{}, { runId: "n" }, {}] });
    expect(provider.turnRequests).toHaveLength(2);
    expect(await server.call("resumeQueue", session.ids)).toEqual({});
    await server.completion("n");
    const last = await turnRequest(provider, 3);
    expect(userTexts(last)).toEqual(["begin", "joins\n\nlater", "named"]);
    const told = server.events("queueChanged", { sessionId: session.sessionId });
    expect(told.map(({ count, paused }) => `${count}${paused ? " paused" : ""}`)).toEqual([
      ...["1", "1 paused", "2 paused", "3 paused", "2", "1", "0"],
    ]);
  });

  it("takes prompts that come while nothing runs, and a summary passes by it", async () => {
    const { session, gate, server, provider } = await busySession();
    gate.open();
    await server.completion("first");
    await server.call("pauseQueue", session.ids);
    expect(await session.send("waits", "w")).toEqual({ runId: "w", state: "accepted" });
    expect(await server.call("getRun", { ...session.ids, runId: "w" })).toMatchObject({
      state: "queued",
    });
    provider.enqueue(reply().text("All was begun."));
    await server.call("summarizeSession", session.ids);
    expect(await texts(session)).toEqual(["waits"]);
    expect(await server.call("cancelSession", session.ids)).toEqual({
      cancelled: [{ runId: "w", was: "queued", prompt: "waits" }],
    });
    expect(await list(session)).toEqual({ entries: [], paused: true });
    expect(await server.completion("w")).toMatchObject({ status: "cancelled", neverRan: true });
    await session.send("waits too", "x");
    expect(await server.call("deleteSession", session.ids)).toEqual({});
    expect(await server.completion("x")).toMatchObject({ cause: "deleted", neverRan: true });
  });

  it.each(["killed", "ended in order"])(
    "is kept when its server is %s, with its order, texts and attachments",
    async (how) => {
      const house = await busySession();
      const { session, gate, server, provider } = house;
      const data = Buffer.from("from a file").toString("base64");
      const attachments = [{ name: "a.txt", mimeType: "text/plain", data }];
      await session.send("without a name");
      await server.call("sendMessage", { ...session.params("read this", "r"), attachments });
      await server.call("pauseQueue", session.ids);
      await session.send("after", "s");
      const [first, read, after] = (await list(session)).entries.map(({ queueId }) => queueId);
      await server.call("moveQueued", { ...session.ids, queueId: after ?? "", before: first });
      await server.call("editQueued", {
        ...session.ids,
        queueId: read ?? "",
        prompt: "read it well",
      });
      if (how === "killed") await server.kill();
      else {
        gate.open();
        await server.completion("first");
        await server.close();
      }
      const next = await again(house, session);
      expect(await list(next)).toMatchObject({
        paused: true,
        entries: [{ runId: "s" }, { prompt: "without a name" }, { prompt: "read it well" }],
      });
      expect(await next.server.call("getSession", next.ids)).toMatchObject({
        isBusy: false,
        queuePaused: true,
        queuedPrompts: 3,
      });
      await next.server.settle();
      const told = next.server.events("runComplete").map(({ runId }) => runId);
      expect(told).toEqual(["first"]);
      await next.server.call("resumeQueue", next.ids);
      expect(await next.server.completion("r")).toMatchObject({ status: "succeeded" });
      const last = provider.turnRequests.at(-1);
      expect(JSON.stringify(last?.body)).toContain("from a file");
      expect(JSON.stringify(last?.body)).toContain("read it well");
      expect(ends(next.server, next.sessionId)).toEqual([
        how === "killed" ? "first: interrupted" : "first: succeeded",
        ...["s: succeeded", "r: succeeded"],
      ]);
      await next.server.close();
    },
  );

  it("is that of one server at a time, and the next one's when that has ended", async () => {
    const house = await busySession();
    const { session, gate, server } = house;
    await session.send("waits", "w");
    await server.call("pauseQueue", session.ids);
    gate.open();
    await server.completion("first");
    const beside = await again(house, session, "bob");
    // To look is always possible; to change it there is not.
    expect(await texts(beside)).toEqual(["waits"]);
    expect(await beside.server.call("getSession", beside.ids)).toMatchObject({
      isBusy: false,
      queuePaused: true,
      queuedPrompts: 1,
    });
    const [entry] = (await list(beside)).entries;
    const at = { ...beside.ids, queueId: entry?.queueId ?? "" };
    for (const refused of [
      await beside.server.fail("editQueued", { ...at, prompt: "x" }),
      await beside.server.fail("moveQueued", at),
      await beside.server.fail("removeQueued", at),
      await beside.server.fail("resumeQueue", beside.ids),
      await beside.server.fail("clearQueue", beside.ids),
      await beside.server.fail("sendMessage", beside.params("too", "t")),
    ]) {
      expect(refused).toMatchObject({ code: 1007, data: { name: "SessionBusy", retryable: true } });
    }
    await server.close();
    expect(await beside.send("too", "t")).toMatchObject({ state: "accepted" });
    expect(await texts(beside)).toEqual(["waits", "too"]);
    await beside.server.call("resumeQueue", beside.ids);
    expect(await beside.server.completion("t")).toMatchObject({ status: "succeeded" });
    // The first is told to the client that sent it.
    expect(ends(beside.server, beside.sessionId)).toEqual(["t: succeeded"]);
    await beside.server.close();
    const back = await again(house, session);
    expect(await back.server.completion("w")).toMatchObject({ status: "succeeded" });
  });

  it("is dropped with its workspace, also where no server has taken it over", async () => {
    const house = await busySession();
    const { session, server } = house;
    await server.call("pauseQueue", session.ids);
    await session.send("waits", "w");
    await server.kill();
    const next = await again(house, session);
    const { workspaceId } = next;
    await next.server.call("deleteWorkspace", { workspaceId });
    expect(await next.server.completion("w")).toMatchObject({ cause: "deleted", neverRan: true });
  });

  it("holds up no end: the server leaves at once", async () => {
    const house = await startLoopbackServer({ args: ["--linger", "30"] });
    houses.push(house);
    const session = await openSession(house.server);
    await house.server.call("pauseQueue", session.ids);
    await session.send("waits", "w");
    const before = Date.now();
    await house.server.close();
    expect(Date.now() - before).toBeLessThan(25_000);
  });
});
