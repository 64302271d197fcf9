// protocol.md section 9, on the built server: what `deleteSession` lets go of, and what never goes.
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers } from "../helpers/serverProcess.js";
import { openStored } from "../helpers/storedFile.js";
import { openSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
beforeAll(async () => {
  loopback = await startLoopbackServer();
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

const file = () => join(loopback.server.dataDir, "turnwire.db");

function look(sql: string): unknown {
  const database = openStored(file(), { readOnly: true });
  try {
    return Object.values(database.prepare(sql).get() ?? {})[0];
  } finally {
    database.close();
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 50));
}

it("a deleted session leaves its runIds and what is owed", async () => {
  const { server, provider } = loopback;
  const session = await openSession(server);
  const { workspaceId, sessionId, ids } = session;
  const long = "word ".repeat(100_000);
  for (const runId of ["told", "owed"]) {
    provider.enqueue(reply().text(long));
    await session.run(long, runId);
  }
  const { completionId } = await server.completion("told");
  await server.call("acknowledge", { completionIds: [completionId] });
  await server.call("deleteSession", ids);
  await until(() => look("SELECT count(*) FROM forgottenSessions") === 0);
  expect(look("SELECT count(*) FROM messages")).toBe(0);
  expect(await server.call("getRun", { workspaceId, runId: "told" })).toMatchObject({
    sessionId,
    state: "completed",
    forgotten: true,
  });
  const owed = await server.call("getRun", { workspaceId, runId: "owed" });
  expect(owed).toMatchObject({ state: "completed", completion: { runId: "owed" } });
  expect(owed).not.toHaveProperty("forgotten");
  const pending = await server.call("listPendingCompletions", {});
  expect(pending.completions.map(({ runId }) => runId)).toEqual(["owed"]);
  await until(() => statSync(file()).size < 2 * 1024 * 1024);

  await server.call("createSession", { workspaceId, sessionId });
  expect(await session.messages()).toEqual([]);
  expect(await session.send(long, "told")).toMatchObject({ duplicate: true, state: "completed" });
  await expect(session.send("another prompt", "told")).rejects.toThrow("RunIdConflict");
  expect(provider.turnRequests).toHaveLength(2);
});

it("an acknowledged completion and its message hold a long text once", async () => {
  const { server, provider } = loopback;
  const session = await openSession(server);
  const { workspaceId } = session;
  const long = "sentence ".repeat(20_000);
  for (const runId of ["shared", "kept"]) {
    provider.enqueue(reply().text(long));
    await session.run("tell me", runId);
  }
  const told = await server.completion("shared");
  await server.call("acknowledge", { completionIds: [told.completionId] });
  const copies = () =>
    look("SELECT count(*) FROM completions WHERE body LIKE '%sentence sentence%'");
  // One of the two is unacknowledged.
  await until(() => copies() === 1);
  const { completion } = await server.call("getRun", { workspaceId, runId: "shared" });
  expect(completion).toEqual({ ...told, attempt: completion?.attempt });
  const pending = await server.call("listPendingCompletions", { workspaceId });
  expect(pending.completions.map(({ text }) => text)).toEqual([long]);
});
