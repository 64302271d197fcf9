// protocol.md section 4, Taking back, with files, names and folders that are out of the ordinary.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { getuid, platform } from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { read, rewind, runSteps, tool, write } from "../helpers/takingBack.js";
import { unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endServers);

describe("a rewind", () => {
  it.each([
    ["empty", Buffer.alloc(0)],
    ["with CRLF and a byte order mark", Buffer.from("\uFEFFone\r\ntwo\r\n")],
    ["without a last line end", Buffer.from("one\ntwo")],
    ["with many lines", Buffer.from("line\n".repeat(50_000))],
  ])("gives a file back byte by byte: %s", async (_, content) => {
    const session = await openSession(server);
    const file = join(session.path, "file");
    writeFileSync(file, content);
    chmodSync(file, 0o750);
    const runId = await runSteps(session, read("file"), write("file", "after\n"));
    expect(readFileSync(file, "utf8")).toContain("after");
    expect((await rewind(session, { runId })).files).toEqual([
      { path: "file", change: "restored" },
    ]);
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o750);
  });

  it.each([
    "a\nb",
    " led by a space",
    "quote\"'`$x",
    "-rf",
    "\u202Eright to left",
    `${"n".repeat(255)}`,
    "\u{1F600}",
    ".hidden",
    "constructor",
    "__proto__",
    "sub folder/\t/file",
  ])("finds a file by its odd name: %j", async (name) => {
    const session = await openSession(server);
    const runId = await runSteps(session, write(name, "made"));
    expect(readFileSync(join(session.path, name), "utf8")).toBe("made");
    const done = await rewind(session, { runId });
    expect(done.files).toEqual([{ path: name, change: "removed" }]);
    expect(readdirSync(session.path)).toEqual([]);
    const back = await rewind(session, { checkpointId: done.checkpointId });
    expect(back.files).toEqual([{ path: name, change: "recreated" }]);
    expect(readFileSync(join(session.path, name), "utf8")).toBe("made");
  });

  it("leaves a file that has become too large to be kept, and one that it would overwrite", async () => {
    const session = await openSession(server);
    const file = join(session.path, "grows");
    writeFileSync(file, "small");
    const runId = await runSteps(session, read("grows"), write("grows", "after"));
    truncateSync(file, 16 * 1024 * 1024 + 1);
    const changed = await rewind(session, { runId, history: false });
    expect(changed.conflicts).toMatchObject([{ path: "grows", reason: "changed" }]);
    const forced = await rewind(session, { runId, history: false, force: true });
    expect(forced).toMatchObject({ files: [], conflicts: [{ reason: "tooLarge" }] });
    expect(statSync(file).size).toBe(16 * 1024 * 1024 + 1);
  });

  it("says of a content that was too large to be kept that it was not", async () => {
    const session = await openSession(server);
    const file = join(session.path, "large");
    writeFileSync(file, Buffer.alloc(16 * 1024 * 1024 + 1, "line of text\n"));
    const lines = tool("read", { path: "large", limit: 2 });
    const runId = await runSteps(session, lines, write("large", "after"), write("other", "made"));
    expect(readFileSync(file, "utf8")).toBe("after");
    const done = await rewind(session, { runId, force: true });
    expect(done.conflicts).toMatchObject([{ path: "large", reason: "notKept" }]);
    expect(done.files).toEqual([{ path: "other", change: "removed" }]);
    expect(readFileSync(file, "utf8")).toBe("after");
  });

  it("says which file has lost what was kept of it, and gives the others back", async () => {
    const session = await openSession(server);
    for (const name of ["a", "b"]) writeFileSync(join(session.path, name), `${name} to be lost`);
    const runId = await runSteps(session, read("a"), read("b"), write("a", "A"), write("b", "B"));
    const kept = join(server.dataDir, "kept");
    const [lost] = readdirSync(kept, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file, "utf8") === "a to be lost");
    writeFileSync(lost ?? "", "damaged");
    const done = await rewind(session, { runId });
    expect(done.conflicts).toMatchObject([{ path: "a", reason: "notKept" }]);
    expect(done.files).toEqual([{ path: "b", change: "restored" }]);
    expect(readFileSync(join(session.path, "a"), "utf8")).toBe("A");
  });

  it("does not follow a folder above the file that became a link to a moved one", async () => {
    const session = await openSession(server);
    const at = (name: string) => join(session.path, name);
    mkdirSync(at("real/deep"), { recursive: true });
    writeFileSync(at("real/deep/file"), "before");
    const runId = await runSteps(session, read("real/deep/file"), write("real/deep/file", "after"));
    renameSync(at("real"), at("moved"));
    symlinkSync(at("moved"), at("real"));
    const done = await rewind(session, { runId, force: true });
    expect(done).toMatchObject({ files: [], conflicts: [{ reason: "notAFile" }] });
    expect(readFileSync(at("moved/deep/file"), "utf8")).toBe("after");
  });

  unless(
    it,
    platform !== "linux" || getuid?.() !== 0,
    "a folder that even its owner may not change needs chattr, and so root on Linux",
  )("leaves files that may not be changed, and takes the rest back", async () => {
    const session = await openSession(server);
    const at = (name: string) => join(session.path, name);
    const runId = await runSteps(session, write("held/a.txt", "A"), write("b.txt", "B"));
    try {
      execFileSync("chattr", ["+i", at("held")], { stdio: "ignore" });
    } catch {
      // This file system has no such mark. Then all is taken back.
      expect((await rewind(session, { runId })).files).toHaveLength(2);
      return;
    }
    try {
      const done = await rewind(session, { runId });
      expect(done.conflicts).toMatchObject([{ path: "held/a.txt", reason: "failed" }]);
      expect(done.files).toEqual([{ path: "b.txt", change: "removed" }]);
      expect(existsSync(at("held/a.txt"))).toBe(true);
    } finally {
      execFileSync("chattr", ["-i", at("held")]);
    }
    expect((await rewind(session, { runId })).files).toHaveLength(1);
    expect(readdirSync(session.path)).toEqual([]);
  });

  it("brings back the list of todos and how full the session was", async () => {
    const session = await openSession(server);
    const todos = (content: string) =>
      tool("todos", { todos: [{ text: content, status: "pending" }] });
    await runSteps(session, todos("first"));
    const before = await server.call("getSession", session.ids);
    expect(before.todos).toMatchObject([{ text: "first" }]);
    const runId = await runSteps(session, todos("second"), write("a", "x".repeat(5000)), read("a"));
    const between = await server.call("getSession", session.ids);
    expect(between.todos).toMatchObject([{ text: "second" }]);
    await rewind(session, { runId });
    const {
      todos: back,
      contextTokens,
      messageCount,
    } = await server.call("getSession", session.ids);
    expect({ todos: back, contextTokens, messageCount }).toEqual({
      todos: before.todos,
      contextTokens: before.contextTokens,
      messageCount: before.messageCount,
    });
    expect(between.contextTokens).not.toBe(before.contextTokens);
  });

  it("works in a workspace that is not trusted, and in one that denies", async () => {
    for (const permissionMode of ["allow", "deny"] as const) {
      const session = await openSession(server, { trusted: false });
      const runId = await runSteps(session, write("a.txt", "A"));
      await server.call("setPermissionMode", {
        workspaceId: session.workspaceId,
        mode: permissionMode,
      });
      expect((await rewind(session, { runId })).files).toHaveLength(1);
    }
  });

  it("says of a file that is gone with its folder that it is made again", async () => {
    const session = await openSession(server);
    const file = join(session.path, "deep", "er", "file");
    mkdirSync(join(session.path, "deep", "er"), { recursive: true });
    writeFileSync(file, "before");
    const runId = await runSteps(session, read("deep/er/file"), write("deep/er/file", "after"));
    rmSync(join(session.path, "deep"), { recursive: true });
    const done = await rewind(session, { runId });
    expect(done.files).toEqual([{ path: "deep/er/file", change: "recreated" }]);
    expect(readFileSync(file, "utf8")).toBe("before");
  });
});
