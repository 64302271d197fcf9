// protocol.md section 4, Taking back: checkpoints, and rewinding files and history to one.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endServers);

const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;
const write = (path: string, content: string) => tool("write", { path, content });
const read = (path: string) => tool("read", { path });
const edit = (path: string, oldText: string, newText: string) =>
  tool("edit", { path, edits: [{ oldText, newText }] });

/** Runs steps of the offline model in one turn. */
async function run(session: WireSession, runId: string, ...steps: string[]): Promise<void> {
  const completion = await session.run([...steps, "@say done"].join("\n"), runId);
  expect(completion.status).toBe("succeeded");
}

const rewind = (session: WireSession, params: object) =>
  server.call("rewindSession", { ...session.ids, ...params });
const refused = (session: WireSession, params: object) =>
  server.failure("rewindSession", { ...session.ids, ...params });

describe("a session that is rewound", () => {
  it("has files and history as they were, and tells what it did", async () => {
    const session = await openSession(server);
    const at = (name: string) => join(session.path, name);
    writeFileSync(at("old.txt"), "one\r\ntwo\r\n");
    chmodSync(at("old.txt"), 0o755);
    await run(session, "first", read("old.txt"));
    const before = await session.messages();
    await run(
      session,
      "second",
      read("old.txt"),
      edit("old.txt", "two", "2\nand more"),
      write("made/deep/new.txt", "new\n"),
      edit("old.txt", "one", "1"),
    );
    const { checkpoints } = await server.call("listCheckpoints", session.ids);
    expect(checkpoints.map(({ runId, files }) => [runId, files])).toEqual([
      [
        "second",
        [
          { path: "made/deep/new.txt", added: 1, removed: 0 },
          { path: "old.txt", added: 3, removed: 2 },
        ],
      ],
      ["first", []],
    ]);
    const gone = (await session.messages()).at(-1);
    const dry = await rewind(session, { runId: "second", dryRun: true });
    expect(dry).toEqual({
      files: [
        { path: "made/deep/new.txt", change: "removed" },
        { path: "old.txt", change: "restored" },
      ],
      conflicts: [],
      messagesRemoved: (await session.messages()).length - before.length,
      messagesRestored: 0,
    });
    expect(existsSync(at("made/deep/new.txt"))).toBe(true);

    const done = await rewind(session, { runId: "second" });
    expect(done).toEqual({ ...dry, checkpointId: expect.any(String) });
    expect(readFileSync(at("old.txt"), "utf8")).toBe("one\r\ntwo\r\n");
    expect(statSync(at("old.txt")).mode & 0o777).toBe(0o755);
    expect(readdirSync(session.path)).toEqual(["old.txt"]);
    expect(await session.messages()).toEqual(before);
    expect(await server.failure("getMessage", { ...session.ids, messageId: gone?.id ?? "" })).toBe(
      "MessageNotFound",
    );
    expect((await server.call("getSession", session.ids)).messageCount).toBe(before.length);
    // The run stays known, and its completion with it.
    const known = await server.call("getRun", { ...session.ids, runId: "second" });
    expect(known).toMatchObject({ state: "completed", completion: { status: "succeeded" } });
    expect(await session.send("again", "second").catch(() => "conflict")).toBe("conflict");
    await run(session, "third", read("old.txt"), edit("old.txt", "two", "three"));
    expect(readFileSync(at("old.txt"), "utf8")).toBe("one\r\nthree\r\n");
  });

  it("can be taken back again, and that too", async () => {
    const session = await openSession(server);
    const at = (name: string) => join(session.path, name);
    await run(session, "a", write("x/a.txt", "A"));
    await run(session, "b", write("b.txt", "B"));
    const whole = await session.messages();
    const first = await rewind(session, { runId: "a" });
    expect(first.files.map(({ change }) => change)).toEqual(["removed", "removed"]);
    expect(await session.messages()).toEqual([]);
    await run(session, "c", write("c.txt", "C"));
    const second = await rewind(session, { checkpointId: first.checkpointId });
    expect(second).toMatchObject({
      files: [
        { path: "b.txt", change: "recreated" },
        { path: "c.txt", change: "removed" },
        { path: "x/a.txt", change: "recreated" },
      ],
      messagesRestored: whole.length,
      messagesRemoved: 4,
    });
    expect(await session.messages()).toEqual(whole);
    expect(readFileSync(at("x/a.txt"), "utf8")).toBe("A");
    const third = await rewind(session, { checkpointId: second.checkpointId });
    expect(third.messagesRestored).toBe(4);
    expect(readdirSync(session.path)).toEqual(["c.txt"]);
    const { checkpoints } = await server.call("listCheckpoints", { ...session.ids, limit: 4 });
    expect(checkpoints.map(({ isRewind, runId }) => isRewind ?? runId)).toEqual([
      true,
      true,
      "c",
      true,
    ]);
  });

  it("is found by the words that are in it, and no longer by those that went", async () => {
    const session = await openSession(server);
    await session.run("@say marmalade", "word-1");
    await session.run("@say marmalade and peppercorns", "word-2");
    const found = async (query: string) => {
      const { results } = await server.call("searchSessions", { query });
      return results.map(({ session: { id } }) => id).filter((id) => id === session.sessionId);
    };
    expect(await found("peppercorns")).toHaveLength(1);
    const done = await rewind(session, { runId: "word-2" });
    expect(await found("peppercorns")).toEqual([]);
    expect(await found("marmalade")).toHaveLength(1);
    await rewind(session, { checkpointId: done.checkpointId });
    expect(await found("peppercorns")).toHaveLength(1);
  });

  it("leaves files alone that somebody else has changed since, unless forced", async () => {
    const session = await openSession(server);
    const at = (name: string) => join(session.path, name);
    for (const name of ["mine", "theirs", "folder", "link", "gone", "moved"]) {
      writeFileSync(at(name), `${name} before`);
    }
    const names = ["mine", "theirs", "folder", "link", "gone", "moved", "made"];
    await run(
      session,
      "r-3",
      ...names.slice(0, -1).map(read),
      ...names.map((name) => write(name, `${name} after`)),
    );
    writeFileSync(at("theirs"), "theirs, by hand");
    rmSync(at("folder"));
    mkdirSync(at("folder"));
    rmSync(at("link"));
    const outside = join(server.dataDir, "outside.txt");
    writeFileSync(outside, "link after");
    symlinkSync(outside, at("link"));
    rmSync(at("gone"));
    renameSync(at("moved"), at("elsewhere"));
    writeFileSync(at("made"), "made, by hand");
    const done = await rewind(session, { runId: "r-3", history: false });
    expect(done.conflicts.map(({ path, reason }) => [path, reason])).toEqual([
      ["folder", "notAFile"],
      ["link", "notAFile"],
      ["made", "changed"],
      ["theirs", "changed"],
    ]);
    expect(done.files).toEqual([
      { path: "gone", change: "recreated" },
      { path: "mine", change: "restored" },
      { path: "moved", change: "recreated" },
    ]);
    expect(done.messagesRemoved).toBe(0);
    expect(readFileSync(at("theirs"), "utf8")).toBe("theirs, by hand");
    const forced = await rewind(session, { runId: "r-3", force: true });
    expect(forced.conflicts.map(({ path }) => path)).toEqual(["folder", "link"]);
    expect(readFileSync(at("theirs"), "utf8")).toBe("theirs before");
    expect(existsSync(at("made"))).toBe(false);
    expect(readFileSync(outside, "utf8")).toBe("link after");
    expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
    // What was written over by force is kept like everything else.
    await rewind(session, { checkpointId: forced.checkpointId });
    expect(readFileSync(at("theirs"), "utf8")).toBe("theirs, by hand");
    expect(readFileSync(at("made"), "utf8")).toBe("made, by hand");
  });

  it("never follows a folder that became a link", async () => {
    const session = await openSession(server);
    await run(session, "r-4", write("sub/a.txt", "A"), write("sub/b.txt", "B"));
    const elsewhere = join(server.dataDir, "elsewhere");
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "a.txt"), "A");
    rmSync(join(session.path, "sub"), { recursive: true });
    symlinkSync(elsewhere, join(session.path, "sub"));
    const done = await rewind(session, { runId: "r-4", force: true });
    expect(done.files).toEqual([]);
    expect(done.conflicts.map(({ path, reason }) => [path, reason])).toEqual([
      ["sub/a.txt", "notAFile"],
    ]);
    expect(readdirSync(elsewhere)).toEqual(["a.txt"]);
  });

  it("sees what another session has changed since", async () => {
    const session = await openSession(server);
    const other = await session.another();
    await run(session, "s-1", write("shared.txt", "one"));
    await run(other, "o-1", read("shared.txt"), write("shared.txt", "two"));
    await run(other, "o-2", read("shared.txt"), write("shared.txt", "one"));
    expect((await rewind(session, { runId: "s-1" })).conflicts).toEqual([
      { path: "shared.txt", reason: "changedByOtherSession", message: expect.any(String) },
    ]);
    expect((await rewind(other, { runId: "o-2" })).files).toHaveLength(1);
    expect(readFileSync(join(session.path, "shared.txt"), "utf8")).toBe("two");
  });

  it("says that commands ran, and takes back what tools did before and behind them", async () => {
    const session = await openSession(server);
    await run(
      session,
      "r-6",
      write("a.txt", "one\n"),
      tool("bash", { command: "echo by hand > a.txt; echo more > b.txt" }),
      read("a.txt"),
      write("a.txt", "two\n"),
    );
    const { checkpoints } = await server.call("listCheckpoints", session.ids);
    expect(checkpoints[0]).toMatchObject({ commandsRan: true, files: [{ path: "a.txt" }] });
    const done = await rewind(session, { runId: "r-6", history: false });
    expect(done).toMatchObject({ commandsRan: true, conflicts: [{ reason: "changed" }] });
    await rewind(session, { runId: "r-6", force: true });
    expect(readdirSync(session.path)).toEqual(["b.txt"]);
  });

  it("is refused while the session is busy, for what is not there, and for two at once", async () => {
    const session = await openSession(server);
    await run(session, "r-7", write("a.txt", "A"));
    expect(await refused(session, { checkpointId: "chk_none" })).toBe("CheckpointNotFound");
    expect(await refused(session, { runId: "none" })).toBe("RunNotFound");
    expect(await refused(session, {})).toBe("InvalidParams");
    expect(await refused(session, { runId: "r-7", checkpointId: "c" })).toBe("InvalidParams");
    const other = await session.another();
    expect(await refused(other, { runId: "r-7" })).toBe("CheckpointNotFound");
    await other.send("@wait 60000", "busy");
    expect(await refused(other, { runId: "busy" })).toBe("SessionBusy");
    expect(await refused(session, { runId: "r-7", force: true })).toBe("SessionBusy");
    const both = await Promise.allSettled([
      rewind(session, { runId: "r-7" }),
      rewind(session, { runId: "r-7" }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(existsSync(join(session.path, "a.txt"))).toBe(false);
    await other.cancel();
    await server.completion("busy");
  });

  it("takes what was kept with it when it is deleted", async () => {
    const session = await openSession(server);
    writeFileSync(join(session.path, "a.txt"), "secret before");
    await run(session, "r-8", read("a.txt"), write("a.txt", "after"));
    const kept = join(server.dataDir, "kept");
    const holders = () =>
      readdirSync(kept, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((file) => readFileSync(file, "utf8") === "secret before");
    const [file] = holders();
    expect(statSync(file ?? "").mode & 0o777).toBe(0o600);
    expect(statSync(kept).mode & 0o777).toBe(0o700);
    await rewind(session, { runId: "r-8" });
    await server.call("deleteSession", session.ids);
    expect(holders()).toEqual([]);
  });
});
