// protocol.md section 4, Taking back, on a disk that gets full: nothing is lost, and the rest is done when
// there is room again.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { canMount, fill, removeDisk, smallDisk } from "../helpers/smallDisk.js";
import { unless } from "../helpers/unless.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

const onSmallDisk = unless(it, !canMount, "a small disk can be mounted by root on Linux alone");
const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;
const long = (name: string) => `${name}${".".repeat(1_000_000)}`;

/** A run that makes two long files short, and makes a new one. */
async function changedFiles(server: ServerProcess, path?: string): Promise<WireSession> {
  const session = await openSession(server, path === undefined ? {} : { path });
  const steps = ["a", "b"].flatMap((name) => {
    writeFileSync(join(session.path, name), long(name));
    return [tool("read", { path: name }), tool("write", { path: name, content: "after" })];
  });
  const prompt = [...steps, tool("write", { path: "made", content: "new" })].join("\n");
  expect(await session.run(prompt, "r")).toMatchObject({ status: "succeeded" });
  return session;
}

function isAsBefore(session: WireSession): void {
  for (const name of ["a", "b"]) {
    expect(readFileSync(join(session.path, name), "utf8")).toBe(long(name));
  }
  expect(existsSync(join(session.path, "made"))).toBe(false);
}

onSmallDisk("a rewind gives back what there is room for, and the rest later", async () => {
  const path = smallDisk();
  try {
    const server = await startServer();
    const session = await changedFiles(server, path);
    // There is room for one of the two files at most.
    writeFileSync(join(path, "ballast"), Buffer.alloc(15_300_000));
    const rewind = () => server.call("rewindSession", { ...session.ids, runId: "r" });
    const first = await rewind();
    expect(first.files).toContainEqual({ path: "made", change: "removed" });
    expect(first.conflicts.length).toBeGreaterThan(0);
    for (const conflict of first.conflicts) {
      expect(conflict).toMatchObject({
        reason: "failed",
        message: expect.stringMatching(/space|full/i),
      });
      expect(readFileSync(join(path, conflict.path), "utf8")).toBe("after");
    }
    expect(readdirSync(path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    writeFileSync(join(path, "ballast"), "");
    const second = await rewind();
    expect(second.conflicts).toEqual([]);
    expect(second.files).toEqual(
      first.conflicts.map((conflict) => ({ path: conflict.path, change: "restored" })),
    );
    isAsBefore(session);
    await server.kill();
  } finally {
    removeDisk(path);
  }
});

onSmallDisk(
  "a rewind whose data directory is full changes nothing that it cannot keep",
  async () => {
    const dataDir = smallDisk();
    try {
      const server = await startServer({ dataDir });
      const session = await changedFiles(server);
      const before = await session.messages();
      const free = fill(dataDir);
      const asked = { ...session.ids, runId: "r" };
      const failed = await server.fail("rewindSession", asked).catch((error: unknown) => error);
      expect(failed).toMatchObject({ data: { name: "StorageFailed" } });
      expect(readFileSync(join(session.path, "a"), "utf8")).toBe("after");
      expect(existsSync(join(session.path, "made"))).toBe(true);
      free();
      expect(await session.messages()).toEqual(before);
      const done = await server.call("rewindSession", asked);
      expect(done.conflicts).toEqual([]);
      expect(done.files).toHaveLength(3);
      isAsBefore(session);
      await server.kill();
    } finally {
      removeDisk(dataDir);
    }
  },
);
