// protocol.md section 4, Queue: `limits.concurrentRuns` on the built server.
import { writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { Gate, type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
beforeEach(async () => {
  loopback = await startLoopbackServer({ config: { limits: { concurrentRuns: 1 } } });
});
afterEach(() => loopback.provider.close());
afterAll(endServers);

/** A session whose turn has the only slot, and how to let it end. */
async function busySession(): Promise<{ session: WireSession; gate: Gate }> {
  const session = await openSession(loopback.server);
  const gate = new Gate(loopback.provider);
  loopback.provider.enqueue(reply().text("first").gate(gate.opened));
  await session.send("go", "first");
  await gate.reached();
  return { session, gate };
}

/** A run on a workspace of its own, once it is known to wait. */
async function waiting(runId: string): Promise<WireSession> {
  const session = await openSession(loopback.server);
  await session.send("go", runId);
  await loopback.server.event("runActivity", { runId, kind: "waitingForSlot" });
  return session;
}

const stateOf = async ({ server, workspaceId }: WireSession, runId: string) =>
  (await server.call("getRun", { workspaceId, runId })).state;

it("lets a second turn of any workspace begin when the first has ended", async () => {
  const { session, gate } = await busySession();
  const second = await waiting("second");
  expect(await stateOf(second, "second")).toBe("accepted");
  expect(loopback.provider.turnRequests).toHaveLength(1);
  loopback.provider.enqueue(reply().text("second"));
  gate.open();
  expect(await session.server.completion("first")).toMatchObject({ text: "first" });
  expect(await session.server.completion("second")).toMatchObject({ text: "second" });
});

it("keeps what waits cancellable, and its session busy", async () => {
  const { gate } = await busySession();
  const second = await waiting("second");
  const { server, ids } = second;
  await expect(server.call("deleteSession", ids)).rejects.toThrow("SessionBusy");
  await second.send("behind it", "third");
  expect(await stateOf(second, "third")).toBe("queued");
  const outcome = await server.call("cancelRun", { ...ids, runId: "second" });
  expect(outcome).toEqual({ outcome: "cancelledBeforeStart" });
  expect(await server.completion("second")).toMatchObject({ status: "cancelled", cause: "user" });
  await server.event("runActivity", { runId: "third", kind: "waitingForSlot" });
  const { workspaceId } = second;
  await server.call("deleteWorkspace", { workspaceId });
  expect(await server.completion("third")).toMatchObject({ status: "cancelled", cause: "deleted" });
  gate.open();
  expect(await server.completion("first")).toMatchObject({ status: "succeeded" });
});

it("runs a sub-task in the slot of its run", async () => {
  const session = await openSession(loopback.server);
  loopback.provider.enqueue(
    reply().toolCall("task", { description: "look", prompt: "look around" }),
    reply().text("seen"),
    reply().text("done"),
  );
  expect(await session.run("go", "parent")).toMatchObject({ text: "done" });
});

it("ends what waits with the server", async () => {
  const { session } = await busySession();
  await waiting("second");
  await session.server.call("shutdown", {});
  expect(await session.server.completion("second")).toMatchObject({ cause: "shutdown" });
});

it("is as the user's file says now, and none of a workspace's", async () => {
  const { session, gate } = await busySession();
  const second = await openSession(loopback.server);
  writeFileSync(`${second.path}/turnwire.json`, '{ "limits": { "concurrentRuns": 100 } }');
  await second.send("go", "second");
  await session.server.event("runActivity", { runId: "second", kind: "waitingForSlot" });
  writeFileSync(loopback.configFile, JSON.stringify(loopback.provider.config({})));
  loopback.provider.enqueue(reply().text("third"), reply().text("second"));
  // Whoever asks next has the file read again, and what waited before it comes before it.
  const third = await openSession(loopback.server);
  await third.send("go", "third");
  expect(await session.server.completion("second")).toMatchObject({ status: "succeeded" });
  expect(await session.server.completion("third")).toMatchObject({ status: "succeeded" });
  gate.open();
  expect(await session.server.completion("first")).toMatchObject({ status: "succeeded" });
});
