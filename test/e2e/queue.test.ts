// protocol.md section 4: one turn at a time per session, folding, order, and the hand-over.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorReply, reply } from "../helpers/loopbackProvider.js";
import {
  Gate,
  type LoopbackServer,
  startLoopbackServer,
  turnRequest,
  userTexts,
} from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess } from "../helpers/serverProcess.js";
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

/** A turn whose first model call waits at the gate and then calls a tool: a second call follows. */
async function beginToolTurn(session: WireSession, runId?: string) {
  const { provider } = loopback;
  const first = provider.turnRequests.length;
  const gate = new Gate(provider);
  provider.enqueue(reply().gate(gate.opened).toolCall("ls", { path: "." }));
  await session.send("begin", runId);
  await gate.reached();
  return { gate, first };
}

const runIds = (sessionId: string) =>
  server.events("runComplete", { sessionId }).map(({ runId }) => runId);

describe("prompts without `runId`", () => {
  it("join the running turn at its next model call, in order, as one further user message", async () => {
    const session = await openSession(server);
    const { gate, first } = await beginToolTurn(session, "fold-1");
    for (const prompt of ["second", "third", "fourth"]) {
      expect(await session.send(prompt)).toEqual({ state: "accepted" });
    }
    expect(await server.call("queuedPromptsList", session.ids)).toEqual({
      prompts: ["second", "third", "fourth"],
    });
    gate.open();
    const completion = await server.completion("fold-1");
    expect(completion).toMatchObject({ status: "succeeded", foldedPrompts: 3 });
    const request = await turnRequest(loopback.provider, first + 1);
    expect(userTexts(request)).toEqual(["begin", "second\n\nthird\n\nfourth"]);
    expect(loopback.provider.turnRequests).toHaveLength(first + 2);
    expect((await session.messages()).map(({ role }) => role)).toEqual([
      ...["user", "assistant", "tool", "user", "user", "user", "assistant"],
    ]);
    // A folded prompt has the completion of the turn that it joined.
    await server.settle();
    expect(runIds(session.sessionId)).toEqual(["fold-1"]);
    expect(await server.call("queuedPrompts", session.ids)).toEqual({ count: 0 });
  });

  it("that are queued when a turn ends begin the next one together", async () => {
    const session = await openSession(server);
    const { provider } = loopback;
    const first = provider.turnRequests.length;
    const gate = new Gate(provider);
    provider.enqueue(reply().gate(gate.opened).text("one"), reply().text("all of you"));
    await session.send("begin", "together-1");
    await gate.reached();
    for (const prompt of ["a", "b", "c"]) await session.send(prompt);
    gate.open();
    const joint = await server.until(() =>
      server.events("runComplete", { sessionId: session.sessionId }).find(({ runId }) => !runId),
    );
    expect(joint).toMatchObject({ status: "succeeded", text: "all of you", foldedPrompts: 2 });
    const request = await turnRequest(provider, first + 1);
    expect(userTexts(request)).toEqual(["begin", "a\n\nb\n\nc"]);
    expect(runIds(session.sessionId)).toEqual(["together-1", undefined]);
  });

  it("join a turn without `runId` too", async () => {
    const session = await openSession(server);
    const { gate } = await beginToolTurn(session);
    await session.send("more");
    gate.open();
    const completion = await server.event("runComplete", { sessionId: session.sessionId });
    expect(completion).toMatchObject({ status: "succeeded", foldedPrompts: 1 });
    expect(completion.runId).toBeUndefined();
  });
});

describe("prompts with a `runId`", () => {
  it("wait and become turns of their own, in order, each completed before the next begins", async () => {
    const session = await openSession(server);
    const { gate, first } = await beginToolTurn(session, "own-1");
    await session.send("joins");
    await session.send("second", "own-2");
    await session.send("third", "own-3");
    await session.send("joins too");
    gate.open();
    await server.completion("own-3");
    expect(runIds(session.sessionId)).toEqual(["own-1", "own-2", "own-3"]);
    const requests = loopback.provider.turnRequests.slice(first);
    expect(requests.map(userTexts)).toEqual([
      ["begin"],
      ["begin", "joins\n\njoins too"],
      ["begin", "joins\n\njoins too", "second"],
      ["begin", "joins\n\njoins too", "second", "third"],
    ]);
    expect(server.events("runComplete", { sessionId: session.sessionId })).toMatchObject([
      { foldedPrompts: 2 },
      { foldedPrompts: 0 },
      { foldedPrompts: 0 },
    ]);
    const order = server.frames.map(({ method, params }) => `${method} ${params?.runId}`);
    const begun = order.indexOf("messageCreated own-2");
    expect(order.indexOf("runComplete own-1")).toBeLessThan(begun);
    expect(order.indexOf("runComplete own-2")).toBeLessThan(order.indexOf("messageCreated own-3"));
  });

  it("are told as queued until they run", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const { gate } = await beginToolTurn(session, "state-1");
    await session.send("second", "state-2");
    const state = async (runId: string) =>
      (await server.call("getRun", { workspaceId, runId })).state;
    expect([await state("state-1"), await state("state-2")]).toEqual(["running", "queued"]);
    expect(await server.call("getSession", session.ids)).toMatchObject({ queuedPrompts: 1 });
    const second = new Gate(loopback.provider, 1);
    loopback.provider.enqueue(reply().text("end"), reply().gate(second.opened).text("end"));
    gate.open();
    await second.reached();
    expect([await state("state-1"), await state("state-2")]).toEqual(["completed", "running"]);
    second.open();
    await server.completion("state-2");
  });
});

it("the queue's length is told whenever it changes", async () => {
  const session = await openSession(server);
  const { gate } = await beginToolTurn(session, "count-1");
  await session.send("a");
  await session.send("b", "count-2");
  await session.send("c");
  gate.open();
  await server.completion("count-2");
  const counts = server.events("queueChanged", { sessionId: session.sessionId });
  expect(counts.map(({ count }) => count)).toEqual([1, 2, 3, 1, 0]);
});

describe("clearQueue", () => {
  it("drops what waits, not what runs; a dropped `runId` has a cancelled completion", async () => {
    const session = await openSession(server);
    const { gate, first } = await beginToolTurn(session, "clear-1");
    await session.send("dropped");
    await session.send("dropped too", "clear-2");
    expect(await server.call("clearQueue", session.ids)).toEqual({
      cleared: 2,
      prompts: ["dropped", "dropped too"],
    });
    expect(await server.completion("clear-2")).toMatchObject({
      status: "cancelled",
      cancelled: true,
      cause: "user",
      text: "",
      foldedPrompts: 0,
      neverRan: true,
    });
    await session.send("survives", "clear-3");
    gate.open();
    expect(await server.completion("clear-3")).toMatchObject({ status: "succeeded" });
    expect(await server.completion("clear-1")).toMatchObject({ status: "succeeded" });
    const last = loopback.provider.turnRequests.at(-1);
    expect(last && userTexts(last)).toEqual(["begin", "survives"]);
    expect(loopback.provider.turnRequests).toHaveLength(first + 3);
    expect(runIds(session.sessionId)).toEqual(["clear-2", "clear-1", "clear-3"]);
  });

  it("of an empty queue clears nothing", async () => {
    const session = await openSession(server);
    expect(await server.call("clearQueue", session.ids)).toEqual({ cleared: 0, prompts: [] });
    expect(await server.call("queuedPromptsList", session.ids)).toEqual({ prompts: [] });
  });
});

describe("a turn that fails", () => {
  it("hands over to the queue, and its error carries its own `runId`", async () => {
    const session = await openSession(server);
    const gate = new Gate(loopback.provider);
    loopback.provider.enqueue(errorReply(400, "bad luck", { gate: gate.opened }));
    await session.send("fails", "fail-1");
    await gate.reached();
    await session.send("runs", "fail-2");
    loopback.provider.enqueue(errorReply(400, "again"), reply().text("well"));
    await session.send("runs too", "fail-3");
    gate.open();
    expect(await server.completion("fail-3")).toMatchObject({ status: "succeeded", text: "well" });
    expect(await server.completion("fail-1")).toMatchObject({
      status: "failed",
      cancelled: false,
      cause: "provider",
      error: expect.stringContaining("bad luck"),
      errorName: "ProviderError",
    });
    expect(runIds(session.sessionId)).toEqual(["fail-1", "fail-2", "fail-3"]);
    const errors = server.events("agentError", { sessionId: session.sessionId });
    expect(
      errors.map(({ runId, message }) => [runId, /bad luck|again/.exec(message)?.[0]]),
    ).toEqual([
      ["fail-1", "bad luck"],
      ["fail-2", "again"],
    ]);
  });

  it("without `runId` has `agentError` and its completion", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(errorReply(400, "no"));
    await session.send("fails");
    const match = { sessionId: session.sessionId };
    expect(await server.event("runComplete", match)).toMatchObject({ status: "failed" });
    expect(server.events("agentError", match)).toHaveLength(1);
    expect(server.events("agentError", match)[0]).not.toHaveProperty("runId");
  });
});

describe("sessions", () => {
  it("of one workspace run side by side", async () => {
    const one = await openSession(server);
    const two = await one.another();
    const gates = [new Gate(loopback.provider), new Gate(loopback.provider, 1)] as const;
    loopback.provider.enqueue(
      ...gates.map((gate, index) => reply().gate(gate.opened).text(`${index}`)),
    );
    await one.send("first", "side-1");
    await gates[0].reached();
    await two.send("second", "side-2");
    await gates[1].reached();
    const { workspaceId } = one;
    expect(await server.call("getAgentInfo", { workspaceId })).toMatchObject({ isBusy: true });
    gates[1].open();
    expect(await server.completion("side-2")).toMatchObject({ text: "1" });
    expect(await server.call("getSession", one.ids)).toMatchObject({ isBusy: true });
    gates[0].open();
    expect(await server.completion("side-1")).toMatchObject({ text: "0" });
    expect(await server.call("getAgentInfo", { workspaceId })).toMatchObject({ isBusy: false });
  });

  it("never have two turns at once, however fast prompts come", async () => {
    const session = await openSession(server);
    const { provider } = loopback;
    const texts = Array.from({ length: 20 }, (_, index) =>
      session.prompt(`p${index}`, `fast-${index}`),
    );
    const from = server.frames.length;
    const first = provider.turnRequests.length;
    server.send(...texts);
    await server.completion("fast-19");
    expect(provider.turnRequests).toHaveLength(first + 20);
    // Between two completions, everything is of one run.
    let running: unknown;
    for (const { method, params } of server.frames.slice(from)) {
      if (method === "messageCreated" || method === "messageDelta" || method === "messageUpdated") {
        running ??= params?.runId;
        expect(params?.runId).toBe(running);
      }
      if (method === "runComplete") running = undefined;
    }
    expect(runIds(session.sessionId)).toEqual(texts.map((_, index) => `fast-${index}`));
  });
});
