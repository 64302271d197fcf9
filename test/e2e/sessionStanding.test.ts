// protocol.md sections 3 and 5: how a session stands, told with it, with its runs and with its completions.
import { realpathSync } from "node:fs";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

async function start() {
  const loopback = await startLoopbackServer();
  onTestFinished(() => loopback.provider.close());
  return { ...loopback, session: await openSession(loopback.server) };
}

const todos = [
  { text: "Find the parser.", status: "completed" },
  { text: "Mend it, 直す 🙂.", status: "inProgress" },
] as const;

it("tells a run's model calls, the title, and how full the context is", async () => {
  const { server, provider, session } = await start();
  provider.enqueue(
    reply().toolCall("ls", { path: "." }).usage(100, 7),
    reply().text("done").usage(140, 9),
  );
  const completion = await session.run("look", "r-1");
  const context = { sessionTitle: "a session", contextTokens: 149 };
  expect(completion).toMatchObject({ ...context, steps: 2 });
  expect(completion.contextWindow).toBeGreaterThan(1000);
  const run = await server.call("getRun", { workspaceId: session.workspaceId, runId: "r-1" });
  expect(run).toMatchObject({ ...context, steps: 2, completion: { steps: 2 } });
  expect(await server.call("getSession", session.ids)).toMatchObject({
    contextTokens: 149,
    contextWindow: completion.contextWindow,
  });
});

it("estimates the context where the provider tells nothing, and forgets it with a summary", async () => {
  const { server, provider, session } = await start();
  provider.enqueue(reply().text("done").usage(0, 0));
  expect((await session.run("look ".repeat(500), "r-1")).contextTokens).toBeGreaterThan(500);
  provider.onSummary(() => reply().text("They looked."));
  await server.call("summarizeSession", { ...session.ids, runId: "sum" });
  const summary = await server.completion("sum");
  expect(summary).toMatchObject({ status: "succeeded", steps: 1 });
  expect(summary).not.toHaveProperty("contextTokens");
  expect(await server.call("getSession", session.ids)).not.toHaveProperty("contextTokens");
});

it("says of a dropped run that it took no step", async () => {
  const { server, provider, session } = await start();
  provider.enqueue(
    reply()
      .text("a")
      .gate(new Promise(() => {})),
  );
  await session.send("first", "r-1");
  await session.send("second", "r-2");
  await session.cancel();
  expect(await server.completion("r-2")).toMatchObject({
    neverRan: true,
    steps: 0,
    sessionTitle: "a session",
  });
});

it("tells of todos, and keeps them over a restart", async () => {
  const { server, provider, session } = await start();
  provider.enqueue(reply().toolCall("todos", { todos }), reply().text("done"));
  await session.run("plan", "r-1");
  expect(server.events("todosChanged", session.ids)).toEqual([
    { ...session.ids, runId: "r-1", todos },
  ]);
  expect(await server.call("getSession", session.ids)).toMatchObject({ todos });
  await server.close();
  const next = startServer({ dataDir: server.dataDir });
  await next.call("createWorkspace", { path: session.path });
  expect(await next.call("getSession", session.ids)).toMatchObject({ todos });
});

it("leaves the list alone when a sub-task runs", async () => {
  const { server, provider, session } = await start();
  provider.enqueue(
    reply().toolCall("todos", { todos }),
    reply().toolCall("task", { description: "look", prompt: "Where?" }),
    reply().toolCall("todos", { todos: [{ text: "mine", status: "pending" }] }),
    reply().text("here"),
    reply().text("done"),
  );
  expect(await session.run("plan", "r-1")).toMatchObject({ steps: 5 });
  expect(await server.call("getSession", session.ids)).toMatchObject({ todos });
  expect(server.events("todosChanged", {})).toHaveLength(1);
});

it("lists the sessions of every workspace, also of those that are not open", async () => {
  const { server, session } = await start();
  const other = await openSession(server, { title: "elsewhere" });
  await server.call("deleteWorkspace", { workspaceId: other.workspaceId });
  const all = await server.call("listSessions", {});
  expect(all.sessions.map(({ id, workspacePath }) => [id, workspacePath])).toEqual([
    [other.sessionId, realpathSync(other.path)],
    [session.sessionId, realpathSync(session.path)],
  ]);
  const first = await server.call("listSessions", { limit: 1 });
  expect(first.sessions.map(({ id }) => id)).toEqual([other.sessionId]);
  const cursor = first.nextCursor ?? "";
  const { sessions, nextCursor } = await server.call("listSessions", { limit: 1, cursor });
  expect([sessions[0]?.id, nextCursor]).toEqual([session.sessionId, undefined]);
  const own = await server.call("listSessions", { workspaceId: session.workspaceId });
  expect(own.sessions.map(({ id }) => id)).toEqual([session.sessionId]);
  expect(own.sessions[0]).not.toHaveProperty("workspacePath");
});
