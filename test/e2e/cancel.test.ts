import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorReply, reply } from "../helpers/loopbackProvider.js";
import {
  Gate,
  type LoopbackServer,
  occupy,
  startLoopbackServer,
} from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess } from "../helpers/serverProcess.js";
import { beginStubbornTurn } from "../helpers/stubbornTool.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

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

const outcomes = (session: WireSession) =>
  server
    .events("runComplete", { sessionId: session.sessionId })
    .map(({ runId, status }) => [runId, status]);

describe("cancelSession", () => {
  it("stops the running turn, keeps what was said, and is no error", async () => {
    const session = await openSession(server);
    await occupy(session, loopback.provider, "run-1");
    expect(await session.cancel()).toEqual({ cancelled: [{ runId: "run-1", was: "running" }] });
    expect(await server.completion("run-1")).toMatchObject({
      status: "cancelled",
      cancelled: true,
      cause: "user",
      text: "so far",
    });
    const messages = await session.messages();
    expect(messages.at(-1)?.parts).toEqual([
      { type: "text", text: "so far" },
      { type: "finish", reason: "cancelled" },
    ]);
    expect(server.events("agentError", { sessionId: session.sessionId })).toEqual([]);
    await expect(loopback.provider.turnRequests.at(-1)?.closed).resolves.toBeUndefined();
  });

  it("covers what runs and all that waits, and gives each `runId` its completion", async () => {
    const session = await openSession(server);
    await occupy(session, loopback.provider, "all-1");
    await session.send("waits", "all-2");
    await session.send("waits without a name");
    await session.send("waits too", "all-3");
    expect(await session.cancel()).toEqual({
      cancelled: [
        { runId: "all-1", was: "running" },
        { runId: "all-2", was: "queued", prompt: "waits" },
        { was: "queued", prompt: "waits without a name" },
        { runId: "all-3", was: "queued", prompt: "waits too" },
      ],
    });
    await server.completion("all-1");
    expect(outcomes(session).sort()).toEqual([
      ["all-1", "cancelled"],
      ["all-2", "cancelled"],
      ["all-3", "cancelled"],
    ]);
    expect(await server.call("getSession", session.ids)).toMatchObject({
      isBusy: false,
      queuedPrompts: 0,
    });
  });

  it("does not touch a prompt that is accepted after it, in one write", async () => {
    const session = await openSession(server);
    const calls = loopback.provider.turnRequests.length;
    server.send(
      session.prompt("first", "pipe-1"),
      server.request("cancelSession", session.ids, "pipe-cancel"),
      session.prompt("second", "pipe-2"),
    );
    expect(await server.answer("pipe-cancel")).toMatchObject({
      result: { cancelled: [{ runId: "pipe-1", was: "accepted" }] },
    });
    expect(await server.completion("pipe-2")).toMatchObject({ status: "succeeded" });
    expect(outcomes(session)).toEqual([
      ["pipe-1", "cancelled"],
      ["pipe-2", "succeeded"],
    ]);
    expect(loopback.provider.turnRequests).toHaveLength(calls + 1);
  });

  it("does not touch a prompt that is accepted after it, in one batch", async () => {
    const session = await openSession(server);
    const cancel = server.request("cancelSession", session.ids, "batch-cancel");
    const members = [
      session.prompt("first", "batch-1"),
      cancel,
      session.prompt("second", "batch-2"),
    ];
    server.send(`[${members.join()}]`);
    expect(await server.answer("batch-cancel")).toMatchObject({
      result: { cancelled: [{ runId: "batch-1", was: "accepted" }] },
    });
    expect(await server.completion("batch-2")).toMatchObject({ status: "succeeded" });
    expect(await server.completion("batch-1")).toMatchObject({ status: "cancelled" });
  });

  it("does not touch a prompt that comes while the turn is still ending", async () => {
    const session = await openSession(server);
    await occupy(session, loopback.provider, "ending-1");
    server.send(
      server.request("cancelSession", session.ids),
      session.prompt("survives", "ending-2"),
      session.prompt("survives too", "ending-3"),
    );
    await server.completion("ending-3");
    expect(outcomes(session)).toEqual([
      ["ending-1", "cancelled"],
      ["ending-2", "succeeded"],
      ["ending-3", "succeeded"],
    ]);
  });

  it("of an idle session does nothing, now or later", async () => {
    const session = await openSession(server);
    expect(await session.cancel()).toEqual({ cancelled: [] });
    server.send(
      server.request("cancelSession", session.ids, "idle-cancel"),
      session.prompt("hello", "idle-1"),
    );
    expect(await server.answer("idle-cancel")).toMatchObject({ result: { cancelled: [] } });
    expect(await server.completion("idle-1")).toMatchObject({ status: "succeeded" });
    expect(await session.cancel()).toEqual({ cancelled: [] });
    expect(await session.run("hello", "idle-2")).toMatchObject({ status: "succeeded" });
  });

  it("a second time changes nothing", async () => {
    const session = await openSession(server);
    await occupy(session, loopback.provider, "twice-1");
    server.send(
      server.request("cancelSession", session.ids, "twice-a"),
      server.request("cancelSession", session.ids, "twice-b"),
      session.prompt("after both", "twice-2"),
    );
    expect(await server.answer("twice-a")).toMatchObject({
      result: { cancelled: [{ runId: "twice-1" }] },
    });
    expect(await server.answer("twice-b")).toMatchObject({ result: { cancelled: [] } });
    await server.completion("twice-2");
    expect(outcomes(session)).toEqual([
      ["twice-1", "cancelled"],
      ["twice-2", "succeeded"],
    ]);
  });

  it("of one session leaves another alone", async () => {
    const one = await openSession(server);
    const two = await one.another();
    await occupy(one, loopback.provider, "mine");
    const gate = await occupy(two, loopback.provider, "theirs");
    await one.cancel();
    await server.completion("mine");
    gate.open();
    expect(await server.completion("theirs")).toMatchObject({ status: "succeeded" });
  });

  it("ends a turn without `runId`, which has its completion", async () => {
    const session = await openSession(server);
    await occupy(session, loopback.provider, undefined);
    expect(await session.cancel()).toEqual({ cancelled: [{ was: "running" }] });
    const completion = await server.event("runComplete", { sessionId: session.sessionId });
    expect(completion).toMatchObject({ status: "cancelled", text: "so far" });
  });

  it("ends the pause before another try at once", async () => {
    const session = await openSession(server);
    const headers = { "retry-after": "60" };
    const gate = new Gate(loopback.provider);
    loopback.provider.enqueue(errorReply(429, "slow down", { headers }));
    await session.send("hello", "pause-1");
    await gate.reached();
    await loopback.provider.turnRequests.at(-1)?.closed;
    await session.cancel();
    expect(await server.completion("pause-1")).toMatchObject({ status: "cancelled" });
  });
});

describe("cancelRun", () => {
  it("stops one run, and what waits behind it runs", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    await occupy(session, loopback.provider, "one-1");
    await session.send("next", "one-2");
    expect(await server.call("cancelRun", { workspaceId, runId: "one-1" })).toEqual({
      outcome: "stopping",
    });
    await server.completion("one-2");
    expect(outcomes(session)).toEqual([
      ["one-1", "cancelled"],
      ["one-2", "succeeded"],
    ]);
    expect(await server.call("cancelRun", { workspaceId, runId: "one-1" })).toEqual({
      outcome: "alreadyCompleted",
    });
    expect(await server.fail("cancelRun", { workspaceId, runId: "none" })).toMatchObject({
      code: 1018,
      data: { name: "RunNotFound" },
    });
  });

  it("takes one prompt out of the queue", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const gate = await occupy(session, loopback.provider, "out-1");
    await session.send("goes", "out-2");
    await session.send("stays", "out-3");
    expect(await server.call("cancelRun", { workspaceId, runId: "out-2" })).toEqual({
      outcome: "cancelledBeforeStart",
    });
    expect(await server.call("queuedPromptsList", session.ids)).toEqual({ prompts: ["stays"] });
    gate.open();
    await server.completion("out-3");
    expect(outcomes(session)).toEqual([
      ["out-2", "cancelled"],
      ["out-1", "succeeded"],
      ["out-3", "succeeded"],
    ]);
  });
});

describe("a tool that is cut off", () => {
  it("ends before the completion comes, and the session is busy until then", async () => {
    const session = await openSession(server);
    const turn = await beginStubbornTurn(session, loopback.provider, "tool-1");
    await session.cancel();
    expect(await server.call("getSession", session.ids)).toMatchObject({ isBusy: true });
    expect(server.events("runComplete", { runId: "tool-1" })).toEqual([]);
    turn.release();
    expect(await server.completion("tool-1")).toMatchObject({ status: "cancelled" });
    expect(await server.call("getSession", session.ids)).toMatchObject({ isBusy: false });
  });

  it("leaves an error result, so that the history can be sent to a model again", async () => {
    const session = await openSession(server);
    const { provider } = loopback;
    const command = "echo begun; sleep 600";
    provider.enqueue(
      reply().toolCall("bash", { command }, { id: "call_a" }).toolCall("ls", {}, { id: "call_b" }),
    );
    await session.send("run it", "tool-2");
    await server.event("messageDelta", { sessionId: session.sessionId, kind: "toolOutput" });
    await session.cancel();
    await server.completion("tool-2");
    const parts = (await session.messages()).flatMap((message) => message.parts);
    expect(parts.filter(({ type }) => type === "toolCall")).toMatchObject([
      { toolCallId: "call_a", state: "cancelled" },
      { toolCallId: "call_b", state: "cancelled" },
    ]);
    expect(parts.filter(({ type }) => type === "toolResult")).toMatchObject([
      { toolCallId: "call_a", isError: true, output: expect.stringContaining("begun") },
      { toolCallId: "call_b", isError: true },
    ]);
    expect(await session.run("go on", "tool-3")).toMatchObject({ status: "succeeded" });
    const sent = provider.turnRequests.at(-1)?.body.messages ?? [];
    expect(sent.map(({ role }) => role)).toEqual([
      ...["system", "user", "assistant", "tool", "tool", "user"],
    ]);
  });
});
