// protocol.md section 3: sessions and messages.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { reply } from "../helpers/loopbackProvider.js";
import { Gate, type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, type ServerProcess } from "../helpers/serverProcess.js";
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

async function openWorkspace(): Promise<string> {
  return (await server.call("createWorkspace", { path: makeFolder(), initAgent: true })).id;
}

describe("sessions", () => {
  it("may begin all at once, and nothing is warned of", async () => {
    const session = await openSession(server);
    const runs = Array.from({ length: 12 }, (_, index) => `at-once-${index}`);
    for (const _ of runs) loopback.provider.enqueue(reply().text("hello"));
    const { workspaceId } = session;
    await Promise.all(
      runs.map(async (runId) => {
        const { id: sessionId } = await server.call("createSession", { workspaceId });
        await server.call("sendMessage", { workspaceId, sessionId, prompt: `say ${runId}`, runId });
        await server.completion(runId);
      }),
    );
    expect(server.violations).toEqual([]);
  });

  it("begin empty", async () => {
    const workspaceId = await openWorkspace();
    const session = await server.call("createSession", { workspaceId });
    expect(session).toEqual({
      id: expect.any(String),
      workspaceId,
      title: "",
      messageCount: 0,
      promptTokens: 0,
      completionTokens: 0,
      cost: 0,
      isBusy: false,
      queuedPrompts: 0,
      queuePaused: false,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    const ids = { workspaceId, sessionId: session.id };
    expect(await server.call("getSession", ids)).toEqual(session);
    const child = await server.call("createSession", {
      workspaceId,
      title: "child",
      parentSessionId: session.id,
    });
    expect(child).toMatchObject({ title: "child", parentSessionId: session.id });
    expect(
      await server.failure("createSession", { workspaceId, parentSessionId: "ses_none" }),
    ).toBe("SessionNotFound");
  });

  it("are listed newest first, in pages that neither repeat nor leave out", async () => {
    const workspaceId = await openWorkspace();
    const created: string[] = [];
    for (let index = 0; index < 7; index++) {
      created.push((await server.call("createSession", { workspaceId })).id);
    }
    const listed: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await server.call("listSessions", {
        workspaceId,
        limit: 3,
        ...defined({ cursor }),
      });
      if (pages === 0) await server.call("createSession", { workspaceId, title: "meanwhile" });
      listed.push(...page.sessions.map(({ id }) => id));
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== undefined);
    expect(pages).toBe(3);
    expect(listed).toEqual(created.reverse());
    expect((await server.call("listSessions", { workspaceId })).sessions).toHaveLength(8);
  });

  it("have pages of at least one, at most a thousand, and cursors of this server alone", async () => {
    const workspaceId = await openWorkspace();
    for (const more of [{ limit: 0 }, { limit: 1001 }, { limit: 1.5 }, { cursor: "elsewhere" }]) {
      expect(await server.failure("listSessions", { workspaceId, ...more })).toBe("InvalidParams");
    }
  });

  it("can be renamed, which is told", async () => {
    const session = await openSession(server);
    const renamed = await server.call("updateSession", { ...session.ids, title: "Über uns 🚀" });
    expect(renamed.title).toBe("Über uns 🚀");
    expect(await server.call("getSession", session.ids)).toEqual(renamed);
    expect(await server.event("sessionUpdated", { sessionId: session.sessionId })).toEqual({
      ...session.ids,
      session: renamed,
    });
  });

  it("can be deleted, with their messages, which is told", async () => {
    const session = await openSession(server);
    const completion = await session.run("hello", "del-1");
    expect(await server.call("deleteSession", session.ids)).toEqual({});
    expect(await server.event("sessionDeleted")).toEqual(session.ids);
    expect(await server.failure("getSession", session.ids)).toBe("SessionNotFound");
    expect(await server.failure("listMessages", session.ids)).toBe("SessionNotFound");
    expect(await server.failure("deleteSession", session.ids)).toBe("SessionNotFound");
    const { workspaceId } = session;
    expect((await server.call("listSessions", { workspaceId })).sessions).toEqual([]);
    // What became of its run can still be read.
    expect(await server.call("getRun", { workspaceId, runId: "del-1" })).toMatchObject({
      state: "completed",
      completion: { completionId: completion.completionId },
    });
  });

  it("cannot be deleted while a turn runs or a prompt waits", async () => {
    const session = await openSession(server);
    const gate = new Gate(loopback.provider);
    loopback.provider.enqueue(reply().gate(gate.opened).text("done"));
    await session.send("hello", "busy-1");
    expect(await server.fail("deleteSession", session.ids)).toMatchObject({
      code: 1007,
      data: { name: "SessionBusy", retryable: true },
    });
    await gate.reached();
    expect(await server.call("getSession", session.ids)).toMatchObject({ isBusy: true });
    expect(await server.failure("deleteSession", session.ids)).toBe("SessionBusy");
    gate.open();
    await server.completion("busy-1");
    expect(await server.call("getSession", session.ids)).toMatchObject({ isBusy: false });
    expect(await server.call("deleteSession", session.ids)).toEqual({});
  });

  it("add up what their turns used", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(reply().text("a").usage(100, 7), reply().text("b").usage(200, 3));
    const first = await session.run("one", "use-1");
    expect(first.usage).toEqual({ promptTokens: 100, completionTokens: 7, cost: 0 });
    await session.run("two", "use-2");
    expect(await server.call("getSession", session.ids)).toMatchObject({
      promptTokens: 300,
      completionTokens: 10,
      messageCount: 4,
    });
  });

  it("get a title from the small model, which holds up nothing", async () => {
    const session = await openSession(server, { title: "" });
    const gate = new Gate(loopback.provider);
    loopback.provider.onTitle(() => reply().gate(gate.opened).text("A fine title"));
    await session.run("what is the answer?\nand why?", "title-1");
    expect(await server.call("getSession", session.ids)).toMatchObject({
      title: "what is the answer?",
      isBusy: false,
    });
    gate.open();
    await server.until(() =>
      server
        .events("sessionUpdated", { sessionId: session.sessionId })
        .find(({ session: told }) => told.title === "A fine title"),
    );
  });

  it.each([
    ["Mine"],
    // What the session is called until the model has an answer.
    ["hello"],
  ])("keep the title %j that a person gave them", async (given) => {
    const session = await openSession(server, { title: "" });
    const { provider } = loopback;
    const gate = new Gate(provider);
    provider.onTitle(() => reply().gate(gate.opened).text("The model's").usage(11, 1));
    await session.run("hello", `title-${given}`);
    await server.call("updateSession", { ...session.ids, title: given });
    gate.open();
    // What the title cost is added when its answer has been taken in.
    await expect
      .poll(async () => (await server.call("getSession", session.ids)).promptTokens)
      .toBe(10 + 11);
    expect(await server.call("getSession", session.ids)).toMatchObject({ title: given });
  });

  it("are never called by half an emoji", async () => {
    const session = await openSession(server, { title: "" });
    await session.run("👍🏽".repeat(100), "title-emoji");
    const told = server.events("sessionUpdated", { sessionId: session.sessionId });
    expect(told.map((event) => event.session.title)).toContain(`${"👍🏽".repeat(79)}…`);
  });

  it.each(["a\0b", "half \ud83d", "\udc00 half"])("refuse the title %j", async (title) => {
    const session = await openSession(server);
    const { workspaceId } = session.ids;
    for (const [method, params] of [
      ["createSession", { workspaceId, title }],
      ["updateSession", { ...session.ids, title }],
    ] as const) {
      const error = await server.fail(method, params);
      expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: "title" }] } });
    }
  });
});

describe("messages", () => {
  it("are listed oldest first, in pages", async () => {
    const session = await openSession(server);
    for (let index = 0; index < 3; index++) await session.run(`prompt ${index}`, `page-${index}`);
    const all = await session.messages();
    expect(all.map(({ role }) => role)).toEqual(Array(3).fill(["user", "assistant"]).flat());
    const first = await server.call("listMessages", { ...session.ids, limit: 4 });
    expect(first.messages).toEqual(all.slice(0, 4));
    const second = await server.call("listMessages", {
      ...session.ids,
      limit: 4,
      cursor: first.nextCursor ?? "",
    });
    expect(second).toEqual({ messages: all.slice(4) });
  });

  it("say what was said, by whom, with which model, and how it ended", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(reply().reasoning("hm").text("Hel", "lo"));
    const { messageId } = await session.run("hi there", "msg-1");
    const [user, assistant] = await session.messages();
    expect(user).toMatchObject({
      sessionId: session.sessionId,
      role: "user",
      parts: [{ type: "text", text: "hi there" }],
    });
    expect(assistant).toMatchObject({
      id: messageId,
      role: "assistant",
      model: "loop-1",
      provider: "loopback",
      parts: [
        { type: "reasoning", text: "hm" },
        { type: "text", text: "Hello" },
        { type: "finish", reason: "endTurn" },
      ],
    });
    const ids = { ...session.ids, messageId: assistant?.id ?? "" };
    expect(await server.call("getMessage", ids)).toEqual(assistant);
    expect(await server.fail("getMessage", { ...ids, messageId: "msg_none" })).toMatchObject({
      code: 1017,
      data: { name: "MessageNotFound" },
    });
    const other = await session.another();
    expect(await server.failure("getMessage", { ...ids, ...other.ids })).toBe("MessageNotFound");
  });

  it("have all that has streamed, at any moment", async () => {
    const session = await openSession(server);
    const gate = new Gate(loopback.provider);
    loopback.provider.enqueue(reply().text("one ", "two ").gate(gate.opened).text("three"));
    await session.send("count", "stream-1");
    const streamed = await server.until(() => {
      const deltas = server.events("messageDelta", { sessionId: session.sessionId });
      const text = deltas.map(({ delta }) => delta).join("");
      return text === "one two " ? deltas[0] : undefined;
    });
    const ids = { ...session.ids, messageId: streamed.messageId };
    const expected = { parts: [{ type: "text", text: "one two " }] };
    expect(await server.call("getMessage", ids)).toMatchObject(expected);
    expect((await session.messages()).at(-1)).toMatchObject(expected);
    gate.open();
    await server.completion("stream-1");
    expect((await server.call("getMessage", ids)).parts[0]).toEqual({
      type: "text",
      text: "one two three",
    });
  });
});

it("every method of a session knows an id that is none, and an empty one", async () => {
  const workspaceId = await openWorkspace();
  const more = { messageId: "m", title: "t", prompt: "p" };
  const names = [
    ...["getSession", "updateSession", "deleteSession", "listMessages", "getMessage"],
    ...["sendMessage", "cancelSession", "summarizeSession"],
    ...["queuedPrompts", "queuedPromptsList", "clearQueue"],
  ];
  for (const name of names) {
    const error = await server.fail(name, { workspaceId, sessionId: "ses_none", ...more });
    expect([name, error.code, error.data.name]).toEqual([name, 1006, "SessionNotFound"]);
  }
  expect(await server.fail("sendMessage", { workspaceId, sessionId: "", ...more })).toMatchObject({
    code: 1005,
    data: { name: "SessionMissing" },
  });
});
