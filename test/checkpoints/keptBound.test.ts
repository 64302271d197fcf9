// How much all checkpoints of a data directory keep: over the bound the oldest are given up, and age and
// deletion really free the disk.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { Closing } from "../../src/base/closing.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { Checkpoints } from "../../src/checkpoints/checkpoints.js";
import type { ServerLimits } from "../../src/config/types.js";
import { forgetInSteps } from "../../src/forgetInSteps.js";
import { CheckpointStore } from "../../src/storage/checkpointStore.js";
import { CompletionStore } from "../../src/storage/completionStore.js";
import { Database } from "../../src/storage/database.js";
import { RunStore } from "../../src/storage/runStore.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { ManualClock } from "../helpers/manualClock.js";

const kilobyte = 1000;
const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

/** A data directory in which runs change files. */
class Place {
  readonly folder = temporaryFolder();
  readonly workspace = join(realpathSync(this.folder.path), "w");
  readonly kept = join(this.folder.path, "kept");
  readonly clock = new ManualClock(Date.now());
  readonly database = Database.open(join(this.folder.path, "turnwire.db"));
  readonly store = new CheckpointStore(this.database);
  readonly sessions = new SessionStore(this.database);
  readonly runs = new RunStore(this.database);
  mostBytes = 100 * kilobyte;
  readonly checkpoints = new Checkpoints({
    database: this.database,
    store: this.store,
    runs: this.runs,
    registry: { id: "srv", isAlive: () => true },
    dataDirectory: this.folder.path,
    mostKeptBytes: () => this.mostBytes,
    clock: this.clock,
    ids: randomIds,
    log: silentLog,
  });
  #runs = 0;

  constructor() {
    mkdirSync(this.workspace);
    onTestFinished(async () => {
      await this.checkpoints.close();
      this.database.close();
      this.folder.remove();
    });
  }

  session(id: string): void {
    const session = { workspaceId: "ws", parentSessionId: undefined, title: "t" };
    this.sessions.insert({ id, ...session, createdAt: this.clock.now() });
  }

  /** A run that changes files that hold so many kilobytes; returns its checkpoint's id. */
  async run(sessionId: string, files: Readonly<Record<string, string>>): Promise<string> {
    const position = ++this.#runs;
    const id = `c${position}`;
    this.store.begin({ id, sessionId, run: position, createdAt: this.clock.now() });
    const store = async (write: () => void) => write();
    const keeper = this.checkpoints.keeperOf({ sessionId, position, store });
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.workspace, name);
      const before = existsSync(path) ? { data: readFileSync(path), mode: 0o644 } : undefined;
      const after = Buffer.from(content);
      await keeper?.keep({ path, before, after });
      writeFileSync(path, after);
    }
    return id;
  }

  rewind(sessionId: string, id: string, more: { force?: boolean; dryRun?: boolean } = {}) {
    const checkpoint = this.store.find(sessionId, id);
    if (checkpoint === undefined) throw new Error(`there is no checkpoint ${id}`);
    const flags = { files: true, history: false, force: false, dryRun: false, ...more };
    return this.checkpoints.rewind({ workspaceId: "ws", checkpoint, ...flags });
  }

  /** How many bytes are kept on the disk. */
  get bytes(): number {
    return this.files.reduce((sum, file) => sum + statSync(file).size, 0);
  }

  get files(): string[] {
    if (!existsSync(this.kept)) return [];
    return readdirSync(this.kept, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  }

  listed(sessionId: string): string[] {
    return this.store.list(sessionId, 100).map(({ id }) => id);
  }

  read(name: string): string {
    return readFileSync(join(this.workspace, name), "utf8");
  }

  /** A server that deletes by age, for two looks. */
  async age(limits: ServerLimits): Promise<void> {
    const { database, sessions, runs, clock } = this;
    const closing = new Closing();
    forgetInSteps({
      dataDirectory: this.folder.path,
      database,
      sessions,
      runs,
      completions: new CompletionStore(database),
      outbox: { onAcknowledged: () => undefined },
      limits: { current: () => limits } as never,
      broadcaster: { emit: () => undefined } as never,
      kept: this.checkpoints,
      closing,
      clock,
      log: silentLog,
    });
    await clock.advance(2 * hourMs);
    await closing.close();
  }
}

/** A text of 30 kB that begins like this. */
const long = (beginning: string) => beginning.padEnd(30 * kilobyte, ".");

it("gives up the oldest checkpoints of all sessions when there is too much", async () => {
  const place = new Place();
  for (const id of ["a", "b"]) place.session(id);
  for (const name of ["1", "2", "3", "4", "5"]) {
    writeFileSync(join(place.workspace, name), long(name));
  }
  const first = await place.run("a", { 1: "x" });
  const empty = await place.run("a", {});
  const second = await place.run("b", { 2: "x" });
  const third = await place.run("a", { 3: "x" });
  expect(place.bytes).toBe(90 * kilobyte);
  const fourth = await place.run("b", { 4: "x" });
  expect(place.bytes).toBeLessThanOrEqual(100 * kilobyte);
  expect(place.store.find("a", first)?.isGivenUp).toBe(true);
  expect(place.listed("a")).toEqual([third, empty]);
  expect(place.listed("b")).toEqual([fourth, second]);
  expect(place.store.first("a")?.id).toBe(empty);
  // What is left can be taken back as before.
  expect((await place.rewind("b", second)).conflicts).toEqual([]);
  expect([place.read("2"), place.read("4")]).toEqual([long("2"), long("4")]);
});

it("keeps what a newer checkpoint of the session needs too", async () => {
  const place = new Place();
  place.session("s");
  writeFileSync(join(place.workspace, "1"), long("same"));
  writeFileSync(join(place.workspace, "2"), long("same"));
  const first = await place.run("s", { 1: "x" });
  const second = await place.run("s", { 2: "x" });
  expect(place.files).toHaveLength(1);
  place.mostBytes = 40 * kilobyte;
  writeFileSync(join(place.workspace, "3"), long("other"));
  await place.run("s", { 3: "x" });
  expect(place.store.find("s", first)?.isGivenUp).toBe(true);
  expect(place.store.find("s", second)?.isGivenUp).toBe(true);
  place.mostBytes = 80 * kilobyte;
  writeFileSync(join(place.workspace, "4"), long("same"));
  writeFileSync(join(place.workspace, "5"), long("same"));
  await place.run("s", { 4: "x" });
  const last = await place.run("s", { 5: "x" });
  writeFileSync(join(place.workspace, "6"), long("more"));
  await place.run("s", { 6: "x" });
  expect((await place.rewind("s", last)).conflicts).toEqual([]);
  expect(place.read("5")).toBe(long("same"));
});

it("keeps no more of one run than there is room for, and says so when it is taken back", async () => {
  const place = new Place();
  place.session("s");
  for (const name of ["1", "2", "3", "4", "5"]) {
    writeFileSync(join(place.workspace, name), long(name));
  }
  place.database
    .prepare(
      `INSERT INTO runs (workspaceId, sessionId, clientId, serverId, kind, promptHash, state, acceptedAt)
       VALUES ('ws', 's', 'c', 'srv', 'prompt', 'h', 'running', 1)`,
    )
    .run();
  const id = await place.run("s", { 1: "x", 2: "x", 3: "x", 4: "x", 5: "x" });
  expect(place.bytes).toBe(90 * kilobyte);
  place.database.prepare("UPDATE runs SET state = 'completed'").run();
  const { files, conflicts } = await place.rewind("s", id);
  expect(files.map(({ path }) => path.at(-1))).toEqual(["1", "2", "3"]);
  expect(conflicts.map(({ reason }) => reason)).toEqual(["notKept", "notKept"]);
  expect([place.read("1"), place.read("4")]).toEqual([long("1"), "x"]);
});

it("keeps of a file what it held before a run, and not what the run wrote in between", async () => {
  const place = new Place();
  place.session("s");
  writeFileSync(join(place.workspace, "1"), "before");
  place.store.begin({ id: "c", sessionId: "s", run: 1, createdAt: 1 });
  const store = async (write: () => void) => write();
  const keeper = place.checkpoints.keeperOf({ sessionId: "s", position: 1, store });
  const path = join(place.workspace, "1");
  for (const content of ["one", "two", "three"]) {
    const before = { data: readFileSync(path), mode: 0o644 };
    await keeper?.keep({ path, before, after: Buffer.from(content) });
    writeFileSync(path, content);
  }
  expect(place.files.map((file) => readFileSync(file, "utf8"))).toEqual(["before"]);
  expect((await place.rewind("s", "c")).conflicts).toEqual([]);
  expect(place.read("1")).toBe("before");
});

it("frees what old checkpoints keep, of a session that is used and of one that is not", async () => {
  const place = new Place();
  for (const id of ["used", "unused"]) place.session(id);
  for (const name of ["1", "2", "3"]) writeFileSync(join(place.workspace, name), long(name));
  const old = await place.run("used", { 1: "x" });
  await place.run("unused", { 2: "x" });
  await place.clock.advance(8 * dayMs);
  const young = await place.run("used", { 3: "x" });
  place.sessions.setTitle("used", "u", place.clock.now());
  await place.age({});
  expect(place.bytes).toBe(90 * kilobyte);
  await place.age({ keepDays: 7 });
  await expect.poll(() => place.bytes).toBe(30 * kilobyte);
  expect(place.sessions.exists("unused")).toBe(false);
  expect(place.store.find("used", old)?.isGivenUp).toBe(true);
  expect(place.listed("used")).toEqual([young]);
  expect((await place.rewind("used", young)).conflicts).toEqual([]);
  expect(place.read("3")).toBe(long("3"));
});

it("frees what a server that was killed has left over", async () => {
  const place = new Place();
  place.session("s");
  writeFileSync(join(place.workspace, "1"), long("1"));
  const id = await place.run("s", { 1: "x" });
  const [file = ""] = place.files;
  const folder = join(file, "..");
  const stray = (path: string) => {
    writeFileSync(path, long("stray"));
    utimesSync(path, 1, 1);
  };
  stray(join(folder, "a".repeat(64)));
  stray(join(folder, "new_1.tmp"));
  // The session of this folder was deleted, and its server died before it had deleted the folder.
  mkdirSync(join(place.kept, "0".repeat(32)));
  stray(join(place.kept, "0".repeat(32), "b".repeat(64)));
  utimesSync(join(place.kept, "0".repeat(32)), 1, 1);
  // What was written a moment ago may be on its way into the database.
  writeFileSync(join(folder, "c".repeat(64)), "new");
  await place.clock.advance(61_000);
  expect(await place.checkpoints.bound.giveUpBefore(1)).toBe(true);
  expect(place.files.toSorted()).toEqual([file, join(folder, "c".repeat(64))].toSorted());
  expect((await place.rewind("s", id)).conflicts).toEqual([]);
});

/** Makes a checkpoint look as if its run were open, so that it cannot be given up. */
function openRun(place: Place): void {
  place.database
    .prepare(
      `INSERT INTO runs (workspaceId, sessionId, clientId, serverId, kind, promptHash, state, acceptedAt)
       VALUES ('ws', 's', 'c', 'srv', 'prompt', 'h', 'running', 1)`,
    )
    .run();
}

it("looks at the disk once, and not again for each edit, where nothing can be given up", async () => {
  const place = new Place();
  place.session("s");
  openRun(place);
  const names = Array.from({ length: 20 }, (_, at) => String(at));
  for (const name of names) writeFileSync(join(place.workspace, name), long(name));
  await place.run("s", Object.fromEntries(names.map((name) => [name, "x"])));
  expect(place.files).toHaveLength(3);
  const { bound } = place.checkpoints;
  const strays = vi.spyOn(place.store.givenUp, "sessions");
  // Nobody sees that the disk is empty by now, so nobody has looked.
  for (const file of place.files) rmSync(file);
  for (let at = 0; at < 20; at++) expect(await bound.room(30 * kilobyte)).toBe(false);
  expect(strays).not.toHaveBeenCalled();
  await place.clock.advance(61_000);
  expect(await bound.room(30 * kilobyte)).toBe(true);
});

it("frees again as soon as something can be given up", async () => {
  const place = new Place();
  place.session("s");
  openRun(place);
  for (const name of ["1", "2", "3", "4"]) writeFileSync(join(place.workspace, name), long(name));
  const id = await place.run("s", { 1: "x", 2: "x", 3: "x" });
  const { bound } = place.checkpoints;
  expect(await bound.room(30 * kilobyte)).toBe(false);
  place.database.prepare("UPDATE runs SET state = 'completed'").run();
  expect(await bound.room(30 * kilobyte)).toBe(true);
  expect([place.store.find("s", id)?.isGivenUp, place.files]).toEqual([true, []]);
});

it("goes through what each given up checkpoint kept, and not through all of its session", async () => {
  const place = new Place();
  place.session("s");
  const names = Array.from({ length: 60 }, (_, at) => String(at));
  for (const name of names) writeFileSync(join(place.workspace, name), name.padEnd(kilobyte, "."));
  for (const name of names) await place.run("s", { [name]: "x" });
  expect(place.files).toHaveLength(60);
  const removed = vi.spyOn(place.store.givenUp, "removeNeedless");
  const found = vi.spyOn(place.store.givenUp, "sessions");
  place.mostBytes = 30 * kilobyte;
  expect(await place.checkpoints.bound.room(kilobyte)).toBe(true);
  expect(place.bytes).toBe(27 * kilobyte);
  expect(removed.mock.calls.reduce((sum, [, hashes]) => sum + hashes.length, 0)).toBe(33);
  expect(found).toHaveBeenCalledTimes(1);
});

it("looks at the disk after a rewind, which keeps what it writes over, and not after a dry run", async () => {
  const place = new Place();
  place.session("s");
  for (const name of ["1", "2"]) writeFileSync(join(place.workspace, name), long(name));
  const id = await place.run("s", { 1: long("one"), 2: long("two") });
  expect(place.bytes).toBe(60 * kilobyte);
  const looks = vi.spyOn(place.checkpoints.bound, "recount");
  expect((await place.rewind("s", id, { dryRun: true })).files).toHaveLength(2);
  expect(looks).not.toHaveBeenCalled();
  expect((await place.rewind("s", id)).files).toHaveLength(2);
  // With what it wrote over, 120 kB are kept: too much.
  await expect.poll(() => place.bytes).toBeLessThanOrEqual(100 * kilobyte);
  expect(place.store.find("s", id)?.isGivenUp).toBe(true);
});

it.each([[true], [false]])(
  "does not rewind to a checkpoint that is given up while it plans (dry run: %s)",
  async (dryRun) => {
    const place = new Place();
    place.session("s");
    writeFileSync(join(place.workspace, "1"), long("1"));
    const id = await place.run("s", { 1: "x" });
    const { files, givenUp } = place.store;
    const since = files.since.bind(files);
    vi.spyOn(files, "since").mockImplementationOnce((checkpoint) => {
      const found = since(checkpoint);
      givenUp.giveUp(checkpoint);
      return found;
    });
    await expect(place.rewind("s", id, { dryRun })).rejects.toMatchObject({
      name: "CheckpointNotFound",
      data: { reason: "givenUp" },
    });
    expect([place.read("1"), place.store.rewinds.all()]).toEqual(["x", []]);
  },
);

it("takes back by `/undo` no run whose checkpoint is given up", async () => {
  const place = new Place();
  place.session("s");
  const message = place.database.prepare(
    "INSERT INTO messages (sessionId, id, role, parts, createdAt, updatedAt, position) VALUES ('s', ?, 'user', '[]', 1, 1, ?)",
  );
  const old = await place.run("s", {});
  message.run("m1", 1);
  const young = await place.run("s", {});
  message.run("m2", 2);
  expect(place.store.standingRuns("s", 9).map(({ id }) => id)).toEqual([young, old]);
  place.store.givenUp.giveUp({ sessionId: "s", position: 1 });
  expect(place.store.standingRuns("s", 9).map(({ id }) => id)).toEqual([young]);
});
