// A stop on a disk that is full: what runs ends at once, and what is owed is written once there is room.
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { getuid, platform } from "node:process";
import { afterAll, expect, it } from "vitest";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(async () => {
  await endServers();
});

const canMount = platform === "linux" && getuid?.() === 0 && tryMount();

function tryMount(): boolean {
  try {
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}

function smallDisk(): string {
  const folder = makeFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", folder]);
  return folder;
}

/** Writes until the disk takes no more; returns how to free it. */
function fill(folder: string): () => void {
  const ballast = join(folder, "ballast");
  const file = openSync(ballast, "w");
  for (let size = 65_536; size >= 512; size /= 2) {
    try {
      while (writeSync(file, Buffer.alloc(size)) === size);
    } catch {
      // It is full for pieces of this size.
    }
  }
  closeSync(file);
  return () => rmSync(ballast);
}

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
    execFileSync("umount", ["-l", dataDir]);
  }
});
