// protocol.md section 5: the completion of a run, and what of it must reach its client.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { Gate, type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openStored } from "../helpers/storedFile.js";
import { openSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
let server: ServerProcess;
beforeAll(async () => {
  loopback = await startLoopbackServer();
  server = loopback.server;
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

describe("runComplete", () => {
  it("tells everything of the turn", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(reply().text("Forty", "-two.").usage(12, 3));
    const completion = await session.run("what?", "shape-1");
    const [, answer] = await session.messages();
    expect(completion).toEqual({
      completionId: expect.any(String),
      sequence: expect.any(Number),
      attempt: 1,
      workspaceId: session.workspaceId,
      sessionId: session.sessionId,
      runId: "shape-1",
      messageId: answer?.id,
      text: "Forty-two.",
      status: "succeeded",
      cancelled: false,
      foldedPrompts: 0,
      usage: { promptTokens: 12, completionTokens: 3, cost: 0 },
      steps: 1,
      sessionTitle: "a session",
      contextTokens: 15,
      contextWindow: 128000,
      completedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
  });

  it("has the text of the last message alone", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(
      reply().text("Let me look.").toolCall("ls", {}),
      reply().text("There is nothing."),
    );
    expect(await session.run("look", "last-1")).toMatchObject({ text: "There is nothing." });
  });

  it("comes once, behind everything else of its run, and with its messages stored", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(reply().text("a").toolCall("ls", {}), reply().text("b"));
    await session.run("look", "order-1");
    await server.settle();
    await server.settle();
    const of = server.frames.filter(({ params }) => params?.runId === "order-1");
    expect(of.filter(({ method }) => method === "runComplete")).toHaveLength(1);
    expect(of.at(-1)?.method).toBe("runComplete");
    // What the session's state is afterwards is told before it, too.
    const at = server.frames.findIndex(
      ({ params }) => params?.completionId !== undefined && params.runId === "order-1",
    );
    const before = server.frames.slice(0, at);
    const told = before.findLast(
      ({ method, params }) =>
        method === "sessionUpdated" && params?.sessionId === session.sessionId,
    );
    expect(told?.params?.session).toMatchObject({ isBusy: false, messageCount: 4 });
    expect(before.some(({ method }) => method === "agentFinished")).toBe(true);
  });

  it("of runs in many sessions come with rising sequences", async () => {
    const sessions = await Promise.all(Array.from({ length: 5 }, () => openSession(server)));
    await Promise.all(sessions.map((session, index) => session.run("hello", `many-${index}`)));
    const sequences = server.events("runComplete").map(({ sequence }) => sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expect(new Set(sequences).size).toBe(sequences.length);
  });

  it("is on disk before it is sent", async () => {
    const session = await openSession(server);
    const { completionId } = await session.run("hello", "disk-1");
    const database = openStored(join(server.dataDir, "turnwire.db"), { readOnly: true });
    const row = database
      .prepare("SELECT * FROM completions WHERE completionId = ?")
      .get(completionId);
    database.close();
    expect(row).toMatchObject({ attempt: 1, acknowledgedAt: null });
  });
});

describe("acknowledge", () => {
  it("takes a completion off the list; twice is harmless; what is not mine is unknown", async () => {
    const mine = startServer();
    await mine.call("initialize", { clientId: "ada" });
    const session = await openSession(mine);
    const { completionId } = await session.run("@say hi", "ack-1");
    const other = await session.run("@say ho", "ack-2");
    const pending = async () =>
      (await mine.call("listPendingCompletions", {})).completions.map(({ runId }) => runId);
    expect(await pending()).toEqual(["ack-1", "ack-2"]);
    const params = { completionIds: [completionId, "cmp_none"] };
    const answer = { acknowledged: [completionId], unknown: ["cmp_none"] };
    expect(await mine.call("acknowledge", params)).toEqual(answer);
    expect(await mine.call("acknowledge", params)).toEqual(answer);
    expect(await pending()).toEqual(["ack-2"]);
    const eve = startServer({ dataDir: mine.dataDir });
    await eve.call("initialize", { clientId: "eve" });
    expect(await eve.call("listPendingCompletions", {})).toEqual({ completions: [] });
    expect(await eve.call("acknowledge", { completionIds: [other.completionId] })).toEqual({
      acknowledged: [],
      unknown: [other.completionId],
    });
    expect(await pending()).toEqual(["ack-2"]);
    mine.notify("acknowledge", { completionIds: [other.completionId] });
    expect(await pending()).toEqual([]);
  });

  it("leaves the completion readable", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const completion = await session.run("hello", "read-1");
    await server.call("acknowledge", { completionIds: [completion.completionId] });
    expect(await server.call("getRun", { workspaceId, runId: "read-1" })).toEqual({
      runId: "read-1",
      sessionId: session.sessionId,
      state: "completed",
      completion,
      steps: 1,
      sessionTitle: "a session",
      contextTokens: 15,
      contextWindow: 128000,
    });
    expect(await server.call("waitRun", { workspaceId, runId: "read-1" })).toEqual(completion);
  });

  it("is not done by reading, waiting or listing", async () => {
    const session = await openSession(server);
    const ids = { workspaceId: session.workspaceId };
    const { completionId } = await session.run("hello", "look-1");
    await server.call("waitRun", { ...ids, runId: "look-1" });
    await server.call("getRun", { ...ids, runId: "look-1" });
    await server.call("listPendingCompletions", ids);
    const { completions } = await server.call("listPendingCompletions", session.ids);
    expect(completions.map((one) => one.completionId)).toEqual([completionId]);
  });
});

describe("listPendingCompletions", () => {
  it("can be of one workspace or session", async () => {
    const mine = startServer();
    const one = await openSession(mine);
    const two = await one.another();
    const three = await openSession(mine);
    await one.run("@say 1", "l-1");
    await two.run("@say 2", "l-2");
    await three.run("@say 3", "l-3");
    const list = async (params: { workspaceId?: string; sessionId?: string }) =>
      (await mine.call("listPendingCompletions", params)).completions.map(({ runId }) => runId);
    expect(await list({})).toEqual(["l-1", "l-2", "l-3"]);
    expect(await list({ workspaceId: one.workspaceId })).toEqual(["l-1", "l-2"]);
    expect(await list({ sessionId: two.sessionId })).toEqual(["l-2"]);
    expect(await list({ workspaceId: three.workspaceId, sessionId: two.sessionId })).toEqual([]);
  });
});

describe("a client that comes back with its `clientId`", () => {
  it("gets what it did not acknowledge again, in order, behind the answer to `initialize`", async () => {
    const first = startServer();
    await first.call("initialize", { clientId: "ada" });
    const session = await openSession(first);
    for (const runId of ["b-1", "b-2", "b-3"]) await session.run(`@say ${runId}`, runId);
    const sent = first.events("runComplete");
    await first.call("acknowledge", { completionIds: [sent[1]?.completionId ?? ""] });
    await first.close();
    const second = startServer({ dataDir: first.dataDir });
    const { pendingCompletions } = await second.call("initialize", { clientId: "ada" });
    expect(pendingCompletions).toBe(2);
    const again = await openSession(second, { path: session.path });
    await again.run("@say new", "b-4");
    expect(second.frames[0]).toMatchObject({ result: { clientId: "ada" } });
    const [one, , three] = sent;
    expect(second.events("runComplete")).toMatchObject([
      { ...one, attempt: 2 },
      { ...three, attempt: 2 },
      { runId: "b-4", attempt: 1 },
    ]);
    await second.close();
    const third = startServer({ dataDir: first.dataDir });
    await third.call("initialize", { clientId: "ada" });
    await third.until(() => third.events("runComplete")[2]);
    expect(third.events("runComplete").map(({ attempt }) => attempt)).toEqual([3, 3, 2]);
  });

  it("gets nothing of another client's", async () => {
    const first = startServer();
    await first.call("initialize", { clientId: "ada" });
    await (await openSession(first)).run("@say hi", "o-1");
    await first.close();
    const second = startServer({ dataDir: first.dataDir });
    expect(await second.call("initialize", { clientId: "eve" })).toMatchObject({
      pendingCompletions: 0,
    });
    await second.settle();
    expect(second.frames.filter(({ method }) => method !== undefined)).toEqual([]);
  });

  it("gets what ended while nobody was there", async () => {
    const first = startServer({ args: ["--linger", "60"] });
    await first.call("initialize", { clientId: "ada" });
    const session = await openSession(first);
    first.send(session.prompt("@wait 200\n@say done", "gone-1"));
    await first.close();
    const second = startServer({ dataDir: first.dataDir });
    await second.call("initialize", { clientId: "ada" });
    expect(await second.completion("gone-1")).toMatchObject({ status: "succeeded", text: "done" });
  });
});

describe("a connection", () => {
  it("gets each completion once unless it asked for more", async () => {
    const session = await openSession(server);
    await session.run("hello", "once-1");
    await session.run("hello", "once-2");
    await server.settle();
    expect(server.events("runComplete", { runId: "once-1" })).toHaveLength(1);
  });

  it("with `ackTimeoutMs` gets it again until it has acknowledged it", async () => {
    const mine = startServer();
    await mine.call("initialize", { clientId: "ada", ackTimeoutMs: 50 });
    const session = await openSession(mine);
    const { completionId } = await session.run("@say hi", "again-1");
    await mine.event("runComplete", { runId: "again-1", attempt: 3 });
    const sent = mine.events("runComplete", { runId: "again-1" });
    expect(sent.map(({ attempt }) => attempt)).toEqual(sent.map((_, index) => index + 1));
    expect(new Set(sent.map((one) => one.completionId))).toEqual(new Set([completionId]));
    await mine.call("acknowledge", { completionIds: [completionId] });
    const count = mine.events("runComplete", { runId: "again-1" }).length;
    await session.run("@wait 600", "again-2");
    expect(mine.events("runComplete", { runId: "again-1" })).toHaveLength(count);
  });
});

describe("getRun and waitRun", () => {
  it("tell the truth at every moment", async () => {
    const session = await openSession(server);
    const { workspaceId, sessionId } = session;
    const gate = new Gate(loopback.provider);
    loopback.provider.enqueue(reply().gate(gate.opened).text("done"));
    await session.send("hello", "truth-1");
    await gate.reached();
    const ids = { workspaceId, runId: "truth-1" };
    expect(await server.call("getRun", ids)).toEqual({
      runId: "truth-1",
      sessionId,
      state: "running",
      steps: 0,
      sessionTitle: "a session",
    });
    expect(await server.call("waitRun", { ...ids, timeoutMs: 0 })).toEqual({ timedOut: true });
    expect(await server.call("waitRun", { ...ids, timeoutMs: 30 })).toEqual({ timedOut: true });
    const waits = [1, 2, 3].map(() => server.call("waitRun", ids));
    gate.open();
    const completion = await server.completion("truth-1");
    for (const waited of await Promise.all(waits)) {
      expect(waited).toMatchObject({ completionId: completion.completionId, text: "done" });
    }
    expect(await server.call("getRun", ids)).toMatchObject({ state: "completed", completion });
  });

  it("know no run that was never accepted, nor times out of bounds", async () => {
    const { workspaceId } = await openSession(server);
    for (const method of ["getRun", "waitRun"]) {
      expect(await server.fail(method, { workspaceId, runId: "never" })).toMatchObject({
        code: 1018,
        data: { name: "RunNotFound" },
      });
    }
    for (const timeoutMs of [-1, 3_600_001, 1.5, "1"]) {
      const params = { workspaceId, runId: "never", timeoutMs };
      expect(await server.failure("waitRun", params)).toBe("InvalidParams");
    }
  });

  it("know the runs of an earlier server", async () => {
    const first = startServer();
    const session = await openSession(first);
    await session.run("@say hi", "early-1");
    await first.close();
    const second = startServer({ dataDir: first.dataDir });
    const { id: workspaceId } = await second.call("createWorkspace", { path: session.path });
    expect(await second.call("waitRun", { workspaceId, runId: "early-1" })).toMatchObject({
      text: "hi",
      status: "succeeded",
      attempt: 1,
    });
  });
});

it("a very long text is cut in the completion and whole in the message", async () => {
  const session = await openSession(server);
  const text = "😀".repeat(600_000);
  loopback.provider.enqueue(reply().text(text));
  const completion = await session.run("write", "long-1");
  expect(completion.textTruncated).toBe(true);
  expect(text.startsWith(completion.text)).toBe(true);
  expect(completion.text).not.toMatch(/\p{Surrogate}/u);
  const ids = { ...session.ids, messageId: completion.messageId ?? "" };
  const message = await server.call("getMessage", ids);
  expect(message.parts[0]).toEqual({ type: "text", text });
});
