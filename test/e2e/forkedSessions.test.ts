// protocol.md section 4, Taking back: what a session has changed, and a session's history in another.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openStored } from "../helpers/storedFile.js";
import { openSession, WireSession } from "../helpers/wireSession.js";

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endServers);

const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;
const write = (path: string, content: string) => tool("write", { path, content });

async function fork(session: WireSession, params: object = {}): Promise<WireSession> {
  const made = await server.call("forkSession", { ...session.ids, ...params });
  return new WireSession(server, session.workspaceId, made.id, session.path);
}

describe("sessionChanges", () => {
  it("shows what the session changed, and what somebody else did since", async () => {
    const session = await openSession(server);
    const at = (name: string) => join(session.path, name);
    for (const name of ["a", "b", "c"]) writeFileSync(at(name), `${name} before\n`);
    writeFileSync(at("binary"), Buffer.from([0, 1, 2]));
    const reads = ["a", "b", "c", "binary"].map((path) => tool("read", { path }));
    await session.run(
      [
        ...reads,
        write("a", "a after\n"),
        write("b", "b after\n"),
        write("c", "c before\n"),
        write("new", "new\n"),
      ].join("\n"),
      "changes-1",
    );
    writeFileSync(at("b"), "b by hand\n");
    const { files } = await server.call("sessionChanges", session.ids);
    expect(files).toEqual([
      {
        path: "a",
        change: "modified",
        added: 1,
        removed: 1,
        diff: "--- a/a\n+++ b/a\n@@ -1,1 +1,1 @@\n-a before\n+a after\n",
      },
      expect.objectContaining({ path: "b", changedSince: true }),
      expect.objectContaining({ path: "new", change: "created", added: 1, removed: 0 }),
    ]);
    rmSync(at("a"));
    const later = await server.call("sessionChanges", session.ids);
    expect(later.files[0]).toMatchObject({ path: "a", change: "deleted", changedSince: true });
    expect(await server.failure("sessionChanges", { ...session.ids, checkpointId: "none" })).toBe(
      "CheckpointNotFound",
    );
  });
});

describe("forkSession", () => {
  it("has the history up to a message, with attachments, and each outlives the other", async () => {
    const session = await openSession(server, { title: "first" });
    const data = Buffer.from("attached bytes").toString("base64");
    await server.call("sendMessage", {
      ...session.params("@say one", "fork-1"),
      attachments: [{ name: "a.txt", mimeType: "text/plain", data }],
    });
    await server.completion("fork-1");
    const early = await session.messages();
    await session.run("@say two", "fork-2");
    const copy = await fork(session, { messageId: early.at(-1)?.id });
    const parts = (messages: typeof early) => messages.map(({ role, parts: all }) => [role, all]);
    expect(parts(await copy.messages())).toEqual(parts(early));
    const told = await server.call("getSession", copy.ids);
    expect(told).toMatchObject({ title: "first", messageCount: 2, promptTokens: 0, isBusy: false });
    const whole = await fork(copy, { title: "of a copy" });
    expect(parts(await whole.messages())).toEqual(parts(early));
    const bytes = () => {
      const sqlite = openStored(join(server.dataDir, "turnwire.db"), { readOnly: true });
      const { n } = sqlite.prepare("SELECT count(*) AS n FROM attachments").get() as { n: number };
      sqlite.close();
      return Number(n);
    };
    expect(bytes()).toBe(1);
    await server.call("deleteSession", session.ids);
    await copy.run("@say three", "fork-3");
    expect((await copy.messages()).length).toBe(4);
    await server.call("deleteSession", copy.ids);
    await expect.poll(bytes).toBe(1);
    expect(parts(await whole.messages())).toEqual(parts(early));
    await server.call("deleteSession", whole.ids);
    await expect.poll(bytes).toBe(0);
  });

  it("copies what was before a turn that runs, its summary, and is found by its words", async () => {
    const session = await openSession(server);
    await session.run("@say cinnamon", "fork-4");
    await server.call("summarizeSession", session.ids);
    await session.send("@wait 60000", "fork-5");
    await expect.poll(async () => (await session.messages()).length).toBeGreaterThan(3);
    const copy = await fork(session);
    const messages = await copy.messages();
    expect(messages).toHaveLength(3);
    const { summaryMessageId } = await server.call("getSession", copy.ids);
    expect(summaryMessageId).toBe(messages.at(-1)?.id);
    const found = async () =>
      (await server.call("searchSessions", { query: "cinnamon" })).results.map(
        (result) => result.session.id,
      );
    await expect.poll(found).toContain(copy.sessionId);
    await session.cancel();
    await server.completion("fork-5");
    expect(await server.failure("forkSession", { ...session.ids, messageId: "m" })).toBe(
      "MessageNotFound",
    );
  });

  it("waits for a rewind, as a rewind waits for it", async () => {
    const session = await openSession(server);
    await session.run(write("a", "one"), "fork-6");
    const change = (sql: string) => {
      const sqlite = openStored(join(server.dataDir, "turnwire.db"));
      sqlite.prepare(sql).run(session.sessionId);
      sqlite.close();
    };
    const rewind = { ...session.ids, runId: "fork-6" };
    const living = "(SELECT id FROM servers LIMIT 1)";
    change(
      `INSERT INTO openForks (sessionId, source, serverId) VALUES ('ses_other', ?, ${living})`,
    );
    expect(await server.failure("rewindSession", rewind)).toBe("SessionBusy");
    change("DELETE FROM openForks WHERE source = ?");
    change(`UPDATE checkpoints SET rewindingServer = ${living} WHERE sessionId = ?`);
    expect(await server.failure("forkSession", session.ids)).toBe("SessionBusy");
    change("UPDATE checkpoints SET rewindingServer = NULL WHERE sessionId = ?");
    const copied = await (await fork(session)).messages();
    expect(copied.length).toBe((await session.messages()).length);
    const { files } = await server.call("rewindSession", rewind);
    expect(files).toEqual([{ path: "a", change: "removed" }]);
  });
});
