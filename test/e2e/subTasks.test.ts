import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { errorReply, reply } from "../helpers/loopbackProvider.js";
import { Gate, startLoopbackServer, turnRequest } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

async function start() {
  const loopback = await startLoopbackServer();
  onTestFinished(() => loopback.provider.close());
  const path = makeFolder();
  writeFileSync(join(path, "a.txt"), "needle\n");
  return { ...loopback, path, session: await openSession(loopback.server, { path }) };
}

const task = (id = "c1") =>
  reply().toolCall("task", { description: "look around", prompt: "Where is it?" }, { id });

/** The sessions of a session's sub-tasks. */
async function childrenOf({ server, workspaceId, sessionId }: WireSession) {
  const { sessions } = await server.call("listSessions", { workspaceId });
  return sessions.filter(({ parentSessionId }) => parentSessionId === sessionId);
}

/** The results of a session's tool calls. */
async function resultsOf(session: WireSession) {
  return (await session.messages())
    .flatMap(({ parts }) => parts)
    .filter((part) => part.type === "toolResult");
}

describe("a sub-task", () => {
  it("finds no more than rules leave to the turn that it is a part of", async () => {
    const { provider, session, path } = await start();
    writeFileSync(join(path, ".env"), "needle in the keys\n");
    const permissions = { deny: ["read:.env", "glob:.env"] };
    writeFileSync(join(path, "turnwire.json"), JSON.stringify({ permissions }));
    provider.enqueue(
      task(),
      reply().toolCall("grep", { pattern: "needle" }, { id: "k1" }),
      reply().toolCall("glob", { pattern: "**/*" }, { id: "k2" }),
      reply().toolCall("read", { path: ".env" }, { id: "k3" }),
      reply().text("that is all"),
      reply().text("done"),
    );
    await session.run("Look.", "denied-1");
    const [child] = await childrenOf(session);
    const { messages } = await session.server.call("listMessages", {
      workspaceId: session.workspaceId,
      sessionId: child?.id ?? "",
    });
    const outputs = messages
      .flatMap(({ parts }) => parts)
      .flatMap((part) => (part.type === "toolResult" ? [part.output] : []));
    expect(outputs).toEqual([
      "a.txt:1: needle",
      expect.stringMatching(/^(a\.txt\nturnwire\.json|turnwire\.json\na\.txt)$/),
      expect.stringContaining('denied by the rule "read:.env"'),
    ]);
  });

  it("works in a session of its own, and its report is the result", async () => {
    const { provider, server, session } = await start();
    provider.enqueue(
      task(),
      reply().toolCall("grep", { pattern: "needle" }, { id: "k1" }).usage(100, 10),
      reply().text("In a.txt, line 1.").usage(200, 20),
      reply().text("It is in a.txt."),
    );
    const completion = await session.run("Find it.", "run-1");
    expect(completion).toMatchObject({
      status: "succeeded",
      text: "It is in a.txt.",
      usage: { promptTokens: 320, completionTokens: 40 },
    });
    expect(await resultsOf(session)).toMatchObject([
      { name: "task", output: "In a.txt, line 1.", isError: false },
    ]);
    const [child, ...others] = await childrenOf(session);
    expect(others).toEqual([]);
    expect(child).toMatchObject({
      title: "look around",
      promptTokens: 300,
      completionTokens: 30,
      messageCount: 4,
      isBusy: false,
    });
    expect(await server.call("getSession", session.ids)).toMatchObject({
      promptTokens: 320,
      completionTokens: 40,
      messageCount: 4,
    });
    const tools = provider.turnRequests.map(({ body }) =>
      body.tools?.map((tool) => tool.function.name).filter((name) => name === "task"),
    );
    expect(tools).toEqual([["task"], [], [], ["task"]]);
  });

  it("is told under its own session without a runId, and before the one completion", async () => {
    const { provider, server, session } = await start();
    provider.enqueue(task(), reply().text("Here."), reply().text("There."));
    await session.run("Find it.", "run-1");
    const [child] = await childrenOf(session);
    await server.settle();
    const its = server.frames.filter(({ params }) => params?.sessionId === child?.id);
    expect(its.length).toBeGreaterThan(3);
    expect(its.filter(({ params }) => params?.runId !== undefined)).toEqual([]);
    const kinds = new Set(its.map(({ method }) => method));
    expect(kinds).toEqual(
      new Set(["sessionUpdated", "messageCreated", "messageUpdated", "messageDelta"]),
    );
    const completions = server.events("runComplete");
    expect(completions).toHaveLength(1);
    const end = server.frames.findIndex(({ method }) => method === "runComplete");
    expect(its.every((one) => server.frames.indexOf(one) < end)).toBe(true);
    expect(server.events("agentFinished")).toHaveLength(1);
  });

  it("that fails is a result like any other", async () => {
    const { provider, session } = await start();
    provider.enqueue(
      task("c1").toolCall("task", { description: "again", prompt: "Again?" }, { id: "c2" }),
      errorReply(400, "that makes no sense"),
      reply().text("Found."),
      reply().text("Half of it."),
    );
    expect((await session.run("Find it.", "run-1")).status).toBe("succeeded");
    const results = await resultsOf(session);
    expect(results.map(({ toolCallId }) => toolCallId)).toEqual(["c1", "c2"]);
    // Both ask at once, and either of them can have been the one that was refused.
    expect(results.sort((one, other) => Number(other.isError) - Number(one.isError))).toMatchObject(
      [
        { isError: true, output: expect.stringMatching(/^The task failed: /) },
        { isError: false, output: "Found." },
      ],
    );
    expect(await childrenOf(session)).toHaveLength(2);
  });

  it("runs beside seven others of the same reply, in the order of the calls", async () => {
    const { provider, session } = await start();
    const eighth = new Gate(provider, 8);
    const calls = Array.from({ length: 8 }, (_, index) => `c${index + 1}`);
    const asks = calls.reduce(
      (all, id) =>
        all.toolCall("task", { description: `look ${id}`, prompt: `Look ${id}` }, { id }),
      reply(),
    );
    provider.enqueue(asks, ...calls.map(() => reply().gate(eighth.opened).text("Found.")));
    provider.enqueue(reply().text("Done."));
    await session.send("Find it.", "run-1");
    // The last can only arrive while the seven before it still wait.
    await eighth.reached();
    eighth.open();
    expect(await session.server.completion("run-1")).toMatchObject({ status: "succeeded" });
    const results = await resultsOf(session);
    expect(results.map(({ toolCallId, output }) => [toolCallId, output])).toEqual(
      calls.map((id) => [id, "Found."]),
    );
    const tasks = provider.turnRequests.slice(1, 9).map(({ body }) => body.messages.at(-1));
    expect(new Set(tasks.map((message) => JSON.stringify(message))).size).toBe(8);
  });

  it("is cancelled with its parent, and both histories can be sent again", async () => {
    const { provider, server, session } = await start();
    const gate = new Gate(provider, 1);
    provider.enqueue(task(), reply().text("Thinking").gate(gate.opened));
    await session.send("Find it.", "run-1");
    const { closed } = await turnRequest(provider, 1);
    await session.cancel();
    expect(await server.completion("run-1")).toMatchObject({ status: "cancelled" });
    await closed;
    const [child] = await childrenOf(session);
    const { messages } = await server.call("listMessages", {
      workspaceId: session.workspaceId,
      sessionId: child?.id ?? "",
    });
    expect(messages.at(-1)?.parts.at(-1)).toMatchObject({ type: "finish", reason: "cancelled" });
    expect(await resultsOf(session)).toMatchObject([{ toolCallId: "c1", isError: true }]);
    provider.enqueue(reply().text("On we go."));
    expect((await session.run("Go on.", "run-2")).text).toBe("On we go.");
  });

  it("has its session to itself while it runs, and goes with its parent", async () => {
    const { provider, server, session } = await start();
    const gate = new Gate(provider, 1);
    provider.enqueue(task(), reply().gate(gate.opened).text("Found."), reply().text("Done."));
    await session.send("Find it.", "run-1");
    await gate.reached();
    const [child] = await childrenOf(session);
    const ids = { workspaceId: session.workspaceId, sessionId: child?.id ?? "" };
    expect(child?.isBusy).toBe(true);
    expect(await server.failure("sendMessage", { ...ids, prompt: "Hello" })).toBe("SessionBusy");
    expect(await server.failure("deleteSession", ids)).toBe("SessionBusy");
    expect(await server.failure("deleteSession", session.ids)).toBe("SessionBusy");
    gate.open();
    await server.completion("run-1");
    provider.enqueue(reply().text("It was a.txt."));
    await server.call("sendMessage", { ...ids, prompt: "Which?", runId: "run-2" });
    expect((await server.completion("run-2")).text).toBe("It was a.txt.");
    expect(provider.turnRequests.at(-1)?.body.messages.map(({ role }) => role)).toEqual([
      ...["system", "user", "assistant", "user"],
    ]);
    await server.call("deleteSession", session.ids);
    expect(await server.failure("getSession", ids)).toBe("SessionNotFound");
    expect(server.events("sessionDeleted").map(({ sessionId }) => sessionId)).toEqual([
      ids.sessionId,
      session.sessionId,
    ]);
  });

  it("left unfinished by a server that was killed is repaired by the next", async () => {
    const { provider, server, session, env } = await start();
    const gate = new Gate(provider, 1);
    provider.enqueue(task(), reply().text("Half").gate(gate.opened));
    await session.send("Find it.", "run-1");
    const [child] = await server.until(() => {
      const [event] = server.events("messageDelta").filter(({ delta }) => delta === "Half");
      return event && [event.sessionId];
    });
    await server.kill();
    const next = startServer({ dataDir: server.dataDir, env });
    const again = await openSession(next, { path: session.path });
    const { messages } = await next.call("listMessages", {
      workspaceId: again.workspaceId,
      sessionId: child ?? "",
    });
    expect(messages.at(-1)).toMatchObject({ role: "assistant" });
    expect(messages.at(-1)?.parts.at(-1)).toMatchObject({ type: "finish", reason: "error" });
    const parent = await next.call("getRun", { workspaceId: again.workspaceId, runId: "run-1" });
    expect(parent.completion).toMatchObject({ status: "interrupted" });
  });
});
