// protocol.md section 4: `summarizeSession`, a turn like any other.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
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

/** A session with something in it, and a summary of it that waits at the gate. */
async function beginSummary(name: string) {
  const session = await openSession(server);
  await session.run("hello", `${name}-before`);
  const gate = new Deferred<void>();
  loopback.provider.onSummary(() => reply().gate(gate.promise).text("In short."));
  const asked = loopback.provider.requests.length;
  server.send(
    server.request("summarizeSession", { ...session.ids, runId: `${name}-sum` }, `${name}-ask`),
  );
  await loopback.provider.untilRequests(asked + 1);
  return { session, gate };
}

const statesOf = async (session: WireSession) => {
  const { isBusy, queuedPrompts } = await server.call("getSession", session.ids);
  return { isBusy, queuedPrompts };
};

describe("summarizeSession", () => {
  it("answers with the stored summary, where the model's history begins from then on", async () => {
    const session = await openSession(server);
    await session.run("a long story", "sum-1");
    loopback.provider.onSummary(() => reply().text("In short: a story."));
    const { messageId = "" } = await server.call("summarizeSession", session.ids);
    expect(await server.call("getMessage", { ...session.ids, messageId })).toMatchObject({
      role: "assistant",
      isSummary: true,
      parts: [{ type: "text", text: "In short: a story." }, { type: "finish" }],
    });
    expect(await server.call("getSession", session.ids)).toMatchObject({
      summaryMessageId: messageId,
    });
    const first = loopback.provider.turnRequests.length;
    await session.run("and now?", "sum-2");
    const told = JSON.stringify((await turnRequest(loopback.provider, first)).body.messages);
    expect(told).toContain("In short: a story.");
    expect(told).not.toContain("a long story");
    expect((await session.messages()).length).toBe(5);
  });

  it("of an empty session is {}", async () => {
    const session = await openSession(server);
    expect(await server.call("summarizeSession", session.ids)).toEqual({});
  });

  it("is refused while a turn runs", async () => {
    const session = await openSession(server);
    const gate = new Gate(loopback.provider);
    loopback.provider.enqueue(reply().gate(gate.opened));
    await session.send("hello", "busy");
    await gate.reached();
    expect(await server.fail("summarizeSession", session.ids)).toMatchObject({
      code: 1007,
      data: { name: "SessionBusy", retryable: true },
    });
    gate.open();
    await server.completion("busy");
  });

  it("keeps the session busy, and what is sent meanwhile runs behind it", async () => {
    const { session, gate } = await beginSummary("behind");
    expect(await server.failure("summarizeSession", session.ids)).toBe("SessionBusy");
    expect(await server.failure("deleteSession", session.ids)).toBe("SessionBusy");
    await session.send("without a name");
    await session.send("with a name", "behind-2");
    expect(await statesOf(session)).toEqual({ isBusy: true, queuedPrompts: 2 });
    const first = loopback.provider.turnRequests.length;
    gate.resolve();
    const answer = await server.answer("behind-ask");
    expect(answer).toMatchObject({ result: { messageId: expect.any(String) } });
    await server.completion("behind-2");
    const request = await turnRequest(loopback.provider, first);
    // A summary and what follows it may be one message for a provider.
    expect(userTexts(request).at(-1)).toMatch(/without a name$/);
    const completions = server.events("runComplete", { sessionId: session.sessionId });
    expect(completions.map(({ runId, status }) => [runId, status])).toEqual([
      ["behind-before", "succeeded"],
      ["behind-sum", "succeeded"],
      [undefined, "succeeded"],
      ["behind-2", "succeeded"],
    ]);
    expect(completions[1]?.messageId).toBe(Object(answer.result).messageId);
  });

  it("cancelled by `cancelSession` is answered -32800, and the session is as before", async () => {
    const { session } = await beginSummary("stop");
    const before = await session.messages();
    expect(await session.cancel()).toEqual({ cancelled: [{ runId: "stop-sum", was: "running" }] });
    expect(await server.answer("stop-ask")).toMatchObject({
      error: { code: -32800, data: { name: "RequestCancelled" } },
    });
    expect(await server.completion("stop-sum")).toMatchObject({ status: "cancelled" });
    expect(await session.messages()).toEqual(before);
    expect(await server.call("getSession", session.ids)).not.toHaveProperty("summaryMessageId");
    expect(await statesOf(session)).toEqual({ isBusy: false, queuedPrompts: 0 });
  });

  it("cancelled by `cancelRun` likewise, and the prompt behind it runs", async () => {
    const { session } = await beginSummary("run");
    await session.send("next", "run-2");
    const { workspaceId } = session;
    await server.call("cancelRun", { workspaceId, runId: "run-sum" });
    expect(await server.answer("run-ask")).toMatchObject({ error: { code: -32800 } });
    expect(await server.completion("run-2")).toMatchObject({ status: "succeeded" });
  });

  it("whose request is cancelled with `$/cancelRequest` goes on to its end", async () => {
    const { session, gate } = await beginSummary("left");
    server.notify("$/cancelRequest", { id: "left-ask" });
    expect(await server.answer("left-ask")).toMatchObject({ error: { code: -32800 } });
    expect(await statesOf(session)).toMatchObject({ isBusy: true });
    gate.resolve();
    expect(await server.completion("left-sum")).toMatchObject({
      status: "succeeded",
      messageId: expect.any(String),
    });
  });

  it("sent again with its `runId` is not made again", async () => {
    const { session, gate } = await beginSummary("again");
    const params = { ...session.ids, runId: "again-sum" };
    server.send(server.request("summarizeSession", params, "again-ask-2"));
    gate.resolve();
    const [first, second] = await Promise.all([
      server.answer("again-ask"),
      server.answer("again-ask-2"),
    ]);
    expect(second.result).toEqual(first.result);
    expect(await server.call("summarizeSession", params)).toEqual(first.result);
    expect(await server.failure("sendMessage", session.params("hello", "again-sum"))).toBe(
      "RunIdConflict",
    );
  });

  it("that fails says why, and stores nothing", async () => {
    const session = await openSession(server);
    await session.run("hello", "bad-1");
    loopback.provider.onSummary(() => errorReply(400, "no summaries today"));
    const before = await session.messages();
    const params = { ...session.ids, runId: "bad-sum" };
    const error = await server.fail("summarizeSession", params);
    expect(error).toMatchObject({ code: 1021, data: { name: "EngineFailed" } });
    expect(error.message).toContain("no summaries today");
    expect(await server.completion("bad-sum")).toMatchObject({ status: "failed" });
    expect(await session.messages()).toEqual(before);
  });

  it("without a `runId` has no completion: who asked has the answer", async () => {
    const session = await openSession(server);
    await session.run("hello", "quiet-1");
    loopback.provider.onSummary(() => reply().text("In short."));
    await server.call("summarizeSession", session.ids);
    await session.run("hello", "quiet-2");
    const completions = server.events("runComplete", { sessionId: session.sessionId });
    expect(completions.map(({ runId }) => runId)).toEqual(["quiet-1", "quiet-2"]);
  });

  it("needs an agent that is ready", async () => {
    const session = await openSession(server);
    const { workspaceId, path } = session;
    await server.call("deleteWorkspace", { workspaceId });
    await server.call("createWorkspace", { path });
    expect(await server.failure("summarizeSession", session.ids)).toBe("AgentNotInitialized");
  });

  it.each(["large", "small"] as const)(
    "is written by the %s model where that is configured",
    async (size) => {
      const mine = await startLoopbackServer({ config: { summaryModel: size } });
      onTestFinished(() => mine.provider.close());
      const session = await openSession(mine.server);
      const { workspaceId } = session;
      const other = { provider: "offline", model: "offline" };
      await mine.server.call("setModel", { workspaceId, modelType: "small", model: other });
      await session.run("hello", "before");
      mine.provider.onSummary(() => reply().text("In short."));
      const { messageId = "" } = await mine.server.call("summarizeSession", session.ids);
      const { model } = await mine.server.call("getMessage", { ...session.ids, messageId });
      expect(model).toBe(size === "large" ? "loop-1" : "offline");
    },
  );
});

describe("a session that fills its window", () => {
  it("keeps the prompt of the turn with its attachments, once, for the next turn too", async () => {
    const mine = await startLoopbackServer();
    onTestFinished(() => mine.provider.close());
    mine.provider.onSummary(() => reply().text("In short: a story."));
    const session = await openSession(mine.server);
    await session.run("a long story", "fill-1");
    mine.provider.enqueue(errorReply(400, "maximum context length exceeded"));
    const data = Buffer.from("\ufeffthe log", "utf16le").toString("base64");
    await mine.server.call("sendMessage", {
      ...session.params("look at the log", "fill-2"),
      attachments: [{ name: "a.log", mimeType: "text/plain", data }],
    });
    await mine.server.completion("fill-2");
    await session.run("and now?", "fill-3");
    const texts = mine.provider.turnRequests.slice(-2).map(({ body }) => {
      return JSON.stringify(body.messages.slice(1));
    });
    for (const text of texts) {
      expect(text).toMatch(/In short: a story.*look at the log.*the log/);
      expect(text.split("look at the log")).toHaveLength(2);
      expect(text).not.toMatch(/a long story|being worked on/);
    }
    expect(texts[1]).toMatch(/look at the log.*"ok".*and now\?/);
    expect(texts[1]?.startsWith(texts[0]?.slice(0, -1) ?? "-")).toBe(true);
  });

  it.each([
    ["cut", () => reply().text("The user wants a pa").finish("length")],
    ["filtered", () => reply().text("The user").finish("content_filter")],
    ["a tool call", () => reply().text("I look").toolCall("ls", {})],
    ["thoughts alone", () => reply().text("<think>the user wants", "</think>")],
  ])("is as before where its summary is %s", async (name, answer) => {
    const session = await openSession(server);
    await session.run("a long story", `unfinished-${name}`);
    const before = await session.messages();
    loopback.provider.onSummary(answer);
    expect(await server.failure("summarizeSession", session.ids)).toBe("EngineFailed");
    expect(await session.messages()).toEqual(before);
    expect(await server.call("getSession", session.ids)).not.toHaveProperty("summaryMessageId");
  });

  it("names what does not fit, and keeps its history", async () => {
    const session = await openSession(server);
    await session.run("a long story", "huge-1");
    const data = Buffer.from("l".repeat(1_000_000)).toString("base64");
    await server.call("sendMessage", {
      ...session.params("look at the log", "huge-2"),
      attachments: [{ name: "a.log", mimeType: "text/plain", data }],
    });
    const { status, errorName, error } = await server.completion("huge-2");
    expect([status, errorName]).toEqual(["failed", "ContextOverflow"]);
    expect(error).toContain('the attachment "a.log" (about 250,');
    expect(await server.call("getSession", session.ids)).not.toHaveProperty("summaryMessageId");
  });
});
