// A server that is killed while it copies a session: nobody ever sees half a fork, and what was copied is
// deleted. A fork that was whole stays, and is found by its words.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { GoneError, ServerChild } from "../helpers/serverChild.js";
import { openStored } from "../helpers/storedFile.js";

let build: TestBuild;
beforeAll(() => {
  build = buildServer({ faultPoints: true });
});
afterAll(() => build.remove());

const messages = 60;

/** A folder that is the workspace and has the data directory. */
class Desk {
  readonly root = mkdtempSync(join(tmpdir(), "turnwire-fork-"));
  readonly dataDir = join(this.root, "data");
  workspaceId = "";

  constructor() {
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
  }

  async server(point?: string): Promise<ServerChild> {
    const env = point === undefined ? {} : { TURNWIRE_FAULT_POINT: point };
    const server = new ServerChild({ main: build.main, dataDir: this.dataDir, env });
    onTestFinished(() => server.kill());
    const clientInfo = { name: "t", version: "1" };
    await server.request("initialize", { protocolVersion: 1, clientInfo });
    const workspace = { path: this.root, permissionMode: "allow", initAgent: true };
    this.workspaceId = String((await server.request("createWorkspace", workspace)).id);
    return server;
  }

  /** What the database has. */
  read(sql: string): Record<string, unknown>[] {
    const sqlite = openStored(join(this.dataDir, "turnwire.db"), { readOnly: true });
    try {
      return sqlite.prepare(sql).all() as Record<string, unknown>[];
    } finally {
      sqlite.close();
    }
  }

  /** A session of 3 MB, which takes several steps to copy. */
  async fill(server: ServerChild): Promise<string> {
    const { id } = await server.request("createSession", {
      workspaceId: this.workspaceId,
      title: "t",
    });
    const sqlite = openStored(join(this.dataDir, "turnwire.db"));
    sqlite.exec("BEGIN");
    const insert = sqlite.prepare(
      "INSERT INTO messages (id, sessionId, role, parts, createdAt, updatedAt) VALUES (?, ?, 'user', ?, 1, 1)",
    );
    const text = `cinnamon ${"word ".repeat(10_000)}`;
    for (let n = 0; n < messages; n++) {
      insert.run(`m_${n}`, String(id), JSON.stringify([{ type: "text", text }]));
    }
    sqlite.exec("COMMIT");
    sqlite.close();
    return String(id);
  }

  async sessions(server: ServerChild): Promise<string[]> {
    const { workspaceId } = this;
    const listed = await server.request("listSessions", { workspaceId });
    return (listed.sessions as { id: string }[]).map(({ id }) => id);
  }

  async found(server: ServerChild): Promise<string[]> {
    const { results } = await server.request("searchSessions", { query: "cinnamon" });
    return (results as { session: { id: string } }[]).map(({ session }) => session.id);
  }

  /** Messages that belong to other sessions than this one. */
  others(sessionId: string): number {
    const sql = `SELECT count(*) AS n FROM messages WHERE sessionId <> '${sessionId}'`;
    return Number(this.read(sql)[0]?.n);
  }
}

async function killedAt(point: string) {
  const desk = new Desk();
  const server = await desk.server(point);
  const sessionId = await desk.fill(server);
  return { desk, server, sessionId };
}

describe("a server that dies while it forks a session", () => {
  test.each(["forkCopied:1", "forkCopied:3"])("leaves nothing that is seen: %s", async (point) => {
    const { desk, server, sessionId } = await killedAt(point);
    const asked = server.request("forkSession", { workspaceId: desk.workspaceId, sessionId });
    await expect(asked).rejects.toThrow(GoneError);
    expect(desk.others(sessionId)).toBeGreaterThan(0);
    expect(desk.others(sessionId)).toBeLessThan(messages);
    const next = await desk.server();
    expect(await desk.sessions(next)).toEqual([sessionId]);
    expect(await desk.found(next)).not.toContain(undefined);
    expect(desk.read("SELECT * FROM openForks")).toEqual([]);
    // The session itself is as free as before.
    const again = await next.request("forkSession", { workspaceId: desk.workspaceId, sessionId });
    expect(again.messageCount).toBe(messages);
    await next.request("deleteSession", {
      workspaceId: desk.workspaceId,
      sessionId: String(again.id),
    });
    await expect.poll(() => desk.others(sessionId)).toBe(0);
    expect(await next.end()).toBe(0);
  });

  test("leaves it to one that lives beside it", async () => {
    const { desk, server, sessionId } = await killedAt("forkCopied:2");
    const beside = await desk.server();
    const asked = server.request("forkSession", { workspaceId: desk.workspaceId, sessionId });
    await expect(asked).rejects.toThrow(GoneError);
    await expect.poll(() => desk.others(sessionId)).toBe(0);
    expect(await desk.sessions(beside)).toEqual([sessionId]);
    expect(desk.read("SELECT * FROM openForks")).toEqual([]);
    expect(await beside.end()).toBe(0);
  });

  test("leaves a whole one, which is soon found by its words", async () => {
    const { desk, server, sessionId } = await killedAt("forked:1");
    const asked = server.request("forkSession", { workspaceId: desk.workspaceId, sessionId });
    await expect(asked).rejects.toThrow(GoneError);
    const next = await desk.server();
    const sessions = await desk.sessions(next);
    expect(sessions).toHaveLength(2);
    const forked = sessions.find((id) => id !== sessionId);
    expect(desk.others(sessionId)).toBe(messages);
    await expect.poll(() => desk.found(next)).toContain(forked);
    await expect.poll(() => desk.read("SELECT * FROM openForks")).toEqual([]);
    expect(await next.end()).toBe(0);
  });
});
