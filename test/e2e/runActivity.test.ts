// Contract section 6: what a turn is busy with, where nothing else would be told.
import { afterAll, beforeAll, expect, it } from "vitest";
import { errorReply, reply } from "../helpers/loopbackProvider.js";
import { type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
beforeAll(async () => {
  loopback = await startLoopbackServer();
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

it("is told before each new try, with the pause and the reason", async () => {
  const session = await openSession(loopback.server);
  const { workspaceId, sessionId } = session;
  const busy = errorReply(429, "slow down", { headers: { "retry-after": "0.01" } });
  loopback.provider.enqueue(busy, busy, reply().text("at last"));
  expect(await session.run("hello", "retried")).toMatchObject({ text: "at last" });
  const told = loopback.server.events("runActivity", { sessionId });
  expect(told).toEqual(
    [2, 3].map((attempt) => ({
      workspaceId,
      sessionId,
      runId: "retried",
      kind: "retrying",
      attempt,
      waitMs: expect.toSatisfy((ms: number) => Number.isInteger(ms) && ms >= 10 && ms < 2000),
      reason: expect.stringMatching(/"loopback" limits the rate.+429 \(slow down\)/),
    })),
  );
});

it("is told when a summary is written, and when its call is tried again", async () => {
  const session = await openSession(loopback.server);
  await session.run("hello", "before");
  loopback.provider.onSummary(
    (() => {
      const answers = [
        errorReply(503, "busy", { headers: { "retry-after": "0.01" } }),
        reply().text("Short."),
      ];
      return () => answers.shift() ?? reply().text("Short.");
    })(),
  );
  await session.server.call("summarizeSession", { ...session.ids, runId: "sum" });
  expect(loopback.server.events("runActivity", { runId: "sum" }).map(({ kind }) => kind)).toEqual([
    "summarizing",
    "retrying",
  ]);
});

it("is told while a permission is waited for, and answered by what comes next", async () => {
  const session = await openSession(loopback.server, { permissionMode: "ask" });
  const { server } = session;
  server.onPermission = () => ({ result: { decision: "allow" } });
  loopback.provider.enqueue(
    reply().toolCall("write", { path: "a.txt", content: "x" }),
    reply().text("written"),
  );
  await session.run("write", "asks");
  const runId = "asks";
  expect(server.events("runActivity", { runId }).map(({ kind }) => kind)).toEqual([
    "waitingForPermission",
  ]);
  expect(server.events("permissionResolved", { runId })).toHaveLength(1);
});

it("of a sub-task is told as the sub-task's and as its parent's", async () => {
  const session = await openSession(loopback.server);
  const busy = errorReply(503, "busy", { headers: { "retry-after": "0.01" } });
  loopback.provider.enqueue(
    reply().toolCall("task", { description: "look", prompt: "look around" }),
    busy,
    reply().text("seen"),
    reply().text("done"),
  );
  expect(await session.run("go", "parent")).toMatchObject({ text: "done" });
  const told = loopback.server
    .events("runActivity", { kind: "retrying" })
    .filter(({ attempt, reason }) => attempt === 2 && reason?.includes("503"))
    .slice(-2);
  expect(told.map(({ runId }) => runId)).toEqual([undefined, "parent"]);
  expect(told[0]?.sessionId).not.toBe(session.sessionId);
  expect(told[1]?.sessionId).toBe(session.sessionId);
});
