// protocol.md section 9: what is deleted is really deleted, in small steps, and the file gets smaller.
import { existsSync, mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { endsFolder } from "../../src/base/endFiles.js";
import { silentLog } from "../../src/base/log.js";
import { CheckpointStore } from "../../src/storage/checkpointStore.js";
import { CompletionStore } from "../../src/storage/completionStore.js";
import { Database } from "../../src/storage/database.js";
import { Forgetter } from "../../src/storage/forgetter.js";
import { ForgottenSessions } from "../../src/storage/forgottenSessions.js";
import { MessageHistory } from "../../src/storage/messageHistory.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { schema } from "../../src/storage/migrations.js";
import { NoteStore } from "../../src/storage/noteStore.js";
import { OldSessions } from "../../src/storage/oldSessions.js";
import { Pruner } from "../../src/storage/pruner.js";
import { RunStore } from "../../src/storage/runStore.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { ToolOutputs } from "../../src/storage/toolOutputs.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

const dayMs = 24 * 60 * 60_000;
const hourMs = 60 * 60_000;

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let clock: VirtualScheduler;
let database: Database;
let sessions: SessionStore;
let messages: MessageStore;
let runs: RunStore;
let completions: CompletionStore;
let forgotten: ForgottenSessions;

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, "turnwire.db");
  clock = new VirtualScheduler();
  open();
});
afterEach(() => {
  database.close();
  folder.remove();
});

function open(): void {
  database = Database.open(file);
  sessions = new SessionStore(database);
  messages = new MessageStore(database);
  runs = new RunStore(database);
  completions = new CompletionStore(database);
  forgotten = new ForgottenSessions(database);
}

const forgetter = () => new Forgetter({ database, forgotten, clock, log: silentLog });

function session(id: string, parentSessionId?: string): void {
  sessions.insert({ id, workspaceId: "w", parentSessionId, title: "t", createdAt: clock.now() });
}

function fill(sessionId: string, count: number, bytes = 100, run?: number): void {
  database.write(() => {
    for (let index = 0; index < count; index++) {
      messages.insert(
        {
          id: `${sessionId}-${index}`,
          sessionId,
          run,
          role: "user",
          parts: JSON.stringify([{ type: "text", text: "x".repeat(bytes) }]),
          model: undefined,
          provider: undefined,
          isSummary: false,
          createdAt: clock.now(),
        },
        new Map([[0, new Uint8Array(10)]]),
      );
    }
  });
}

function run(sessionId: string, runId: string | undefined, state: "completed" | "queued"): number {
  return runs.insert({
    workspaceId: "w",
    sessionId,
    runId,
    clientId: "c",
    serverId: "srv",
    kind: "prompt",
    promptHash: "hash",
    options: undefined,
    state,
    acceptedAt: clock.now(),
  });
}

function complete(position: number, sessionId: string, isAcknowledged: boolean): void {
  const completionId = `cmp-${position}`;
  completions.insert({
    completionId,
    run: position,
    clientId: "c",
    serverId: "srv",
    workspaceId: "w",
    sessionId,
    body: "{}",
  });
  if (isAcknowledged) completions.acknowledge("c", completionId, clock.now());
}

const count = (table: string, where = "1") =>
  Number(database.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).get()?.n);

describe("a deleted session", () => {
  it("is gone at once, and its content in steps that are small", async () => {
    for (const id of ["s", "other"]) session(id);
    fill("s", 450);
    fill("other", 3);
    const forgetting = forgetter();
    expect(sessions.delete(["s"])).toBe(true);
    expect(sessions.exists("s")).toBe(false);
    expect(count("messages", "sessionId = 's'")).toBe(450);
    forgetting.wake();
    const left: number[] = [];
    for (let step = 0; step < 5; step++) {
      clock.fireNext();
      left.push(count("messages", "sessionId = 's'"));
    }
    expect(left).toEqual([350, 250, 150, 50, 0]);
    await clock.advance(1000);
    expect([count("attachments"), count("messages")]).toEqual([3, 3]);
    expect(count("forgottenSessions")).toBe(0);
    forgetting.close();
    expect(clock.pending).toBe(0);
  });

  it("with large messages is deleted a few at a time", () => {
    session("s");
    fill("s", 10, 1024 * 1024);
    sessions.delete(["s"]);
    forgotten.step("s");
    expect(count("messages")).toBe(8);
  });

  it("keeps unacknowledged completions, and of each runId its hash, session and state", async () => {
    session("s");
    complete(run("s", "owed", "completed"), "s", false);
    complete(run("s", "told", "completed"), "s", true);
    complete(run("s", undefined, "completed"), "s", true);
    run("s", undefined, "completed");
    sessions.delete(["s"]);
    forgetter().wake();
    await clock.advance(1000);
    const owed = [...completions.pending("c", { most: 9 })];
    expect(owed.map(({ row }) => row?.completionId)).toEqual(["cmp-1"]);
    expect(count("completions")).toBe(1);
    expect(runs.find("w", "told")).toMatchObject({
      promptHash: "hash",
      sessionId: "s",
      state: "completed",
      clientId: "",
    });
    expect(runs.find("w", "owed")).toMatchObject({ promptHash: "hash", clientId: "c" });
    expect(count("runs")).toBe(2);
  });

  it("is gone on with by the next server, and by one that lives for a moment", async () => {
    session("s");
    fill("s", 250);
    sessions.delete(["s"]);
    forgotten.step("s");
    database.close();
    open();
    expect(count("messages")).toBe(150);
    forgetter().close();
    expect([count("messages"), count("forgottenSessions")]).toEqual([0, 0]);
  });

  it("lends its id to a new one only when nothing is left of it", async () => {
    session("s");
    fill("s", 250);
    sessions.delete(["s"]);
    const forgetting = forgetter();
    expect(forgetting.isForgetting("s")).toBe(true);
    const finished = forgetting.finish("s");
    await clock.advance(10);
    await finished;
    expect([count("messages"), forgetting.isForgetting("s")]).toEqual([0, false]);
    forgetting.close();
  });

  it("makes the file smaller, step by step", async () => {
    session("s");
    fill("s", 200, 64 * 1024);
    database.checkpoint();
    const full = statSync(file).size;
    expect(full).toBeGreaterThan(12 * 1024 * 1024);
    sessions.delete(["s"]);
    forgetter().wake();
    await clock.advance(10_000);
    expect(statSync(file).size).toBeLessThan(2.5 * 1024 * 1024);
    expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  });

  it("waits for another program that holds the database", async () => {
    session("s");
    fill("s", 5);
    sessions.delete(["s"]);
    database.waitBriefly(0);
    const other = Database.open(file);
    other.prepare("BEGIN IMMEDIATE").run();
    forgetter().wake();
    await clock.advance(12_000);
    expect(count("messages")).toBe(5);
    other.prepare("ROLLBACK").run();
    other.close();
    await clock.advance(6000);
    expect(count("messages")).toBe(0);
  });
});

describe("a file of a program of before", () => {
  it("has its sessions deleted all at once, while that program lives", () => {
    database.close();
    file = join(folder.path, "older.db");
    Database.open(file, { schema: { ...schema, steps: schema.steps.slice(0, 11) } }).close();
    database = Database.open(file, { olderServers: () => [{ pid: 1 }] });
    sessions = new SessionStore(database);
    messages = new MessageStore(database);
    session("s");
    fill("s", 3);
    expect(sessions.delete(["s"])).toBe(true);
    expect(count("messages")).toBe(0);
    const old = new ForgottenSessions(database);
    expect([old.next, old.has("s")]).toEqual([undefined, false]);
  });
});

describe("age", () => {
  let keepDays: number | undefined;
  let deleted: string[];
  let filesBefore: number[];
  beforeEach(() => {
    keepDays = 30;
    deleted = [];
    filesBefore = [];
  });

  const old = () =>
    new OldSessions({
      database,
      sessions,
      runs,
      keepDays: () => keepDays,
      onDeleted: (_workspaceId, ids) => void deleted.push(...ids),
      onFilesBefore: (time) => void filesBefore.push(time),
    });
  const pruner = () =>
    new Pruner({ completions, notes: new NoteStore(database), old: old() }, clock, silentLog);

  /** A server that lives for two looks. */
  async function prune(): Promise<void> {
    const pruning = pruner();
    await clock.advance(2 * hourMs);
    pruning.close();
  }

  it("deletes sessions that nobody has used for `keepDays`, with their sub-tasks", async () => {
    for (const id of ["old", "used"]) session(id);
    session("part", "old");
    await clock.advance(20 * dayMs);
    sessions.setTitle("used", "u", clock.now());
    session("new");
    await clock.advance(11 * dayMs);
    await prune();
    expect(deleted.toSorted()).toEqual(["old", "part"]);
    expect(["old", "part", "used", "new"].map((id) => sessions.exists(id))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it("deletes nothing where it is not set", async () => {
    keepDays = undefined;
    session("s");
    await clock.advance(4000 * dayMs);
    await prune();
    expect([deleted, filesBefore]).toEqual([[], []]);
  });

  it("keeps a session with a run that is open or waits, or with a newer sub-task", async () => {
    for (const id of ["waits", "parent", "free"]) session(id);
    run("waits", "w", "queued");
    await clock.advance(31 * dayMs);
    session("part", "parent");
    await prune();
    expect(deleted).toEqual(["free"]);
  });

  it("deletes more than a step holds, and what is behind it", async () => {
    for (let index = 0; index < 450; index++) session(`s${index}`);
    await clock.advance(31 * dayMs);
    session("new");
    await prune();
    expect(deleted).toHaveLength(450);
    expect(sessions.exists("new")).toBe(true);
  });

  it("believes no clock that is ahead for a minute", async () => {
    session("s");
    await prune();
    const ahead = new VirtualScheduler(clock.now() + 400 * dayMs);
    const pruning = new Pruner(
      { completions, notes: new NoteStore(database), old: old() },
      ahead,
      silentLog,
    );
    await ahead.advance(61_000);
    pruning.close();
    await prune();
    expect(deleted).toEqual([]);
  });

  it("is looked at by servers that live for less than a minute too", async () => {
    session("s");
    await clock.advance(31 * dayMs);
    for (let server = 0; server < 3; server++) {
      const pruning = pruner();
      await clock.advance(30_000);
      pruning.close();
      await clock.advance(hourMs);
    }
    expect(deleted).toEqual(["s"]);
  });

  describe("in a session that is used", () => {
    /** A turn of a session, now: what was said, and a reply in parts. */
    function turn(position: number, options: { replies?: number; summary?: boolean } = {}): void {
      const { replies = 1, summary = false } = options;
      for (let index = 0; index <= replies; index++) {
        messages.insert(
          {
            id: `m-${position}-${index}`,
            sessionId: "s",
            run: position,
            role: index === 0 ? "user" : "assistant",
            parts: JSON.stringify([{ type: "text", text: "x" }]),
            model: undefined,
            provider: undefined,
            isSummary: summary && index === replies,
            createdAt: clock.now(),
          },
          new Map([[0, new Uint8Array(10)]]),
        );
      }
      if (summary) sessions.setSummary("s", `m-${position}-${replies}`, clock.now());
    }
    const turns = () => [
      ...new Set(
        database
          .prepare("SELECT run FROM messages WHERE sessionId = 's' ORDER BY position")
          .all()
          .map(({ run }) => run),
      ),
    ];

    it("deletes old messages that a summary has replaced, and nothing that a model is sent", async () => {
      session("s");
      turn(1);
      turn(2, { replies: 3 });
      await clock.advance(20 * dayMs);
      turn(3);
      turn(4, { summary: true });
      turn(5);
      const sent = new MessageHistory(database).of("s", "m-4-1");
      await clock.advance(20 * dayMs);
      turn(6);
      await prune();
      expect(turns()).toEqual([3, 4, 5, 6]);
      expect(new MessageHistory(database).of("s", "m-4-1").slice(0, -2)).toEqual(sent);
      await clock.advance(31 * dayMs);
      turn(7);
      await prune();
      expect(turns()).toEqual([4, 5, 6, 7]);
      expect(new MessageHistory(database).of("s", "m-4-1").slice(0, -4)).toEqual(sent);
      expect(count("attachments")).toBe(count("messages"));
      expect(sessions.find("w", "s")?.messageCount).toBe(count("messages"));
      expect(deleted).toEqual([]);
    });

    it("keeps everything where nothing was summarised, or where age is not told", async () => {
      session("s");
      for (const position of [1, 2]) turn(position);
      await clock.advance(40 * dayMs);
      turn(3);
      await prune();
      expect(turns()).toEqual([1, 2, 3]);
      turn(4, { summary: true });
      keepDays = undefined;
      await prune();
      expect(turns()).toEqual([1, 2, 3, 4]);
    });

    it("deletes no part of a turn that is not old as a whole", async () => {
      session("s");
      turn(1);
      turn(2, { replies: 2 });
      await clock.advance(40 * dayMs);
      messages.update("m-2-2", "[]", clock.now());
      turn(3, { summary: true });
      await prune();
      expect(turns()).toEqual([2, 3]);
      expect(count("messages", "run = 2")).toBe(3);
    });

    it("goes in small steps", async () => {
      session("s");
      for (let position = 1; position <= 300; position++) turn(position);
      await clock.advance(40 * dayMs);
      turn(301, { summary: true });
      const step = () => old().step(clock.now());
      expect(step()).toBe(true);
      expect(count("messages")).toBe(502);
      await prune();
      expect(turns()).toEqual([301]);
    });

    it("deletes what a rewind took out, once it is old, and waits for one that is under way", async () => {
      session("s");
      turn(1);
      turn(2);
      const { checkpoints, last } = { checkpoints: new CheckpointStore(database), last: 2 };
      checkpoints.begin({ id: "c", sessionId: "s", createdAt: clock.now() });
      checkpoints.messages.move("s", [[last, 1000]]);
      await clock.advance(40 * dayMs);
      turn(3);
      checkpoints.rewinds.begin(1, "srv", undefined);
      await prune();
      expect(count("messages")).toBe(6);
      database.prepare("UPDATE checkpoints SET rewindingServer = NULL").run();
      await prune();
      expect(turns()).toEqual([1, 3]);
      expect(count("messages")).toBe(4);
    });

    it("lets an old session of a sub-task go", async () => {
      session("s");
      session("part", "s");
      await clock.advance(40 * dayMs);
      turn(1);
      await prune();
      expect(deleted).toEqual(["part"]);
      expect(sessions.exists("s")).toBe(true);
    });
  });

  it("deletes nameless runs without a completion after a week, and no named one", async () => {
    run("s", undefined, "completed");
    run("s", "named", "completed");
    complete(run("s", undefined, "completed"), "s", false);
    run("s", undefined, "queued");
    await clock.advance(6 * dayMs);
    await prune();
    expect(count("runs")).toBe(4);
    await clock.advance(2 * dayMs);
    await prune();
    expect(count("runs")).toBe(3);
    expect(runs.find("w", "named")).toBeDefined();
  });

  it("deletes the files of tools that are old, and the folders that are empty then", async () => {
    const outputs = new ToolOutputs(folder.path, silentLog);
    const make = (name: string, age: number) => {
      const sessionFolder = join(folder.path, "outputs", "w", name.split("/")[0] ?? "");
      mkdirSync(sessionFolder, { recursive: true });
      const path = join(folder.path, "outputs", "w", name);
      writeFileSync(path, "x");
      const at = (clock.now() - age * dayMs) / 1000;
      utimesSync(path, at, at);
      utimesSync(sessionFolder, at, at);
      return path;
    };
    const paths = [make("a/old", 40), make("b/new", 1), make(`${endsFolder}/cmd.cwd`, 40)];
    await outputs.forgetBefore(clock.now() - 30 * dayMs);
    expect(paths.map((path) => existsSync(path))).toEqual([false, true, false]);
    // A command may be about to use it.
    expect(existsSync(join(folder.path, "outputs", "w", endsFolder))).toBe(true);
    const ends = ["b.cmd_1", "b%2E.cmd_2", "bb.cmd_3"].map((name) =>
      make(`${endsFolder}/${name}`, 1),
    );
    await outputs.forget("w", ["b"]);
    expect(existsSync(join(folder.path, "outputs", "w", "b"))).toBe(false);
    expect(ends.map((path) => existsSync(path))).toEqual([false, true, true]);
    await outputs.forgetBefore(clock.now());
    await outputs.forget("w", ["never"]);
  });

  it("deletes them also where one of them cannot be looked at any more", async () => {
    const workspace = join(folder.path, "outputs", "w");
    for (const name of ["a", "b"]) mkdirSync(join(workspace, name), { recursive: true });
    // As a file that its command has taken away since its name was read.
    symlinkSync(join(folder.path, "gone"), join(workspace, "a", "link"));
    const old = join(workspace, "b", "old");
    writeFileSync(old, "x");
    utimesSync(old, 1, 1);
    await new ToolOutputs(folder.path, silentLog).forgetBefore(clock.now() - 30 * dayMs);
    expect(existsSync(old)).toBe(false);
  });
});
