// A stop on a disk that is full: what runs ends at once, and what is owed is written once there is room.
import { afterAll, expect, it } from "vitest";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { canMount, fill, removeDisk, smallDisk } from "../helpers/smallDisk.js";
import { unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(async () => {
  await endServers();
});

unless(
  it,
  !canMount,
  "a small disk can be mounted by Linux in a namespace alone",
)("a stop and a closing on a full disk stop at once, and are told when there is room", async () => {
  const dataDir = smallDisk();
  try {
    const server = startServer({ dataDir });
    await server.call("initialize", { clientId: "a" });
    const session = await openSession(server);
    const other = await openSession(server);
    await session.send("@wait 60000", "running");
    await session.send("@say never", "queued");
    await other.send("@wait 60000", "closed");
    await other.send("@say never", "closedQueued");
    // Both turns have begun: one that begins on a full disk fails.
    for (const { sessionId } of [session, other])
      await server.event("messageCreated", { sessionId });
    const free = fill(dataDir);
    const { cancelled } = await server.call("cancelSession", session.ids);
    expect(cancelled.map(({ runId }) => runId)).toEqual(["running", "queued"]);
    await server.call("deleteWorkspace", { workspaceId: other.workspaceId });
    await server.call("createWorkspace", { path: other.path, initAgent: true });
    // Had there been room, this would have shown nothing.
    expect(server.stderr).toMatch(/what the disk is owed could not be written yet/);
    free();
    for (const runId of ["running", "queued", "closed", "closedQueued"]) {
      expect(await server.completion(runId), runId).toMatchObject({ status: "cancelled" });
    }
    const run = await server.call("getRun", { workspaceId: other.workspaceId, runId: "closed" });
    expect(run.state).toBe("completed");
    await server.call("sendMessage", { ...other.ids, prompt: "@say more", runId: "more" });
    expect(await server.completion("more")).toMatchObject({ text: "more" });
    await server.kill();
  } finally {
    removeDisk(dataDir);
  }
});
