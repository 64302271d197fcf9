import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { lifeOf, processNamespace } from "../../src/process/processLife.js";
import { Database } from "../../src/storage/database.js";
import { RunStore } from "../../src/storage/runStore.js";
import { ServerRegistry } from "../../src/storage/serverRegistry.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { notOnLinux, unless } from "../helpers/unless.js";
import { buildStorageProgram } from "./storageProcess.js";

let folder: ReturnType<typeof temporaryFolder>;
let database: Database;
let program: Awaited<ReturnType<typeof buildStorageProgram>>;

beforeAll(async () => {
  program = await buildStorageProgram();
});
afterAll(() => program.remove());
beforeEach(() => {
  folder = temporaryFolder();
  database = Database.open(join(folder.path, "turnwire.db"));
});
afterEach(() => {
  database.close();
  folder.remove();
});

const own = { version: "1", processId: process.pid, place: processNamespace(), lifeOf };
/** Looks at others as a server of this process; several of them live in it, which the lock tells. */
const register = (id: string) =>
  ServerRegistry.register(database, folder.path, {
    id,
    now: Date.now(),
    own: { ...own, processId: 0 },
  });
const lockFiles = () => readdirSync(join(folder.path, "servers"));
const known = () =>
  database
    .prepare("SELECT id FROM servers")
    .all()
    .map(({ id }) => id);

it("tells when a server was last known to live, and keeps its lock", () => {
  const one = register("one");
  const other = register("other");
  other.noteAlive(5_000);
  expect(one.lastLived("other", 9_000)).toBe(5_000);
  expect(one.isAlive("other")).toBe(true);
  // A clock that was set back is no reason to have died in the future.
  expect(one.lastLived("other", 4_000)).toBe(4_000);
  expect(one.lastLived("nobody", 9_000)).toBe(9_000);
  one.close(0);
  other.close(0);
});

describe("a server in another process", () => {
  it("lives until its process has ended, however that ends", async () => {
    const own = register("own");
    const other = await program.start("register", folder.path);
    expect(known()).toEqual(["own", other.line]);
    expect(own.isAlive(other.line)).toBe(true);
    expect(own.dead()).toEqual([]);
    await other.kill();
    expect(own.isAlive(other.line)).toBe(false);
    expect(own.dead()).toEqual([other.line]);
    database.write(() => own.remove(other.line));
    expect(known()).toEqual(["own"]);
    expect(lockFiles()).toEqual(["own.lock"]);
    own.close(0);
  });

  unless(
    it,
    notOnLinux,
    "/proc tells when a process began",
  )("lives though somebody removed its lock, or made another in its place", async () => {
    const own = register("own");
    const other = await program.start("register", folder.path, "a");
    const lock = join(folder.path, "servers", `${other.line}.lock`);
    rmSync(lock);
    expect(own.isAlive(other.line)).toBe(true);
    expect(own.dead()).toEqual([]);
    writeFileSync(lock, "");
    expect(own.isAlive(other.line)).toBe(true);
    await other.kill();
    expect(own.dead()).toEqual([other.line]);
    own.close(0);
  });

  it("is not taken for another that has got its process's number", async () => {
    const own = register("own");
    const other = await program.start("register", folder.path);
    const life = lifeOf(process.pid) ?? "";
    await other.kill();
    database
      .prepare("UPDATE servers SET processId = ?, life = ? WHERE id = ?")
      .run(process.pid, `${life}0`, other.line);
    expect(own.isAlive(other.line)).toBe(false);
    own.close(0);
  });

  it("leaves a lock behind when it is killed in its start, which the next start sweeps", () => {
    const stray = join(folder.path, "servers", "srv_stray.lock");
    const young = join(folder.path, "servers", "srv_young.lock");
    const first = register("first");
    for (const file of [stray, young]) writeFileSync(file, "");
    const old = new Date(Date.now() - 120_000);
    utimesSync(stray, old, old);
    const second = register("second");
    expect(lockFiles().sort()).toEqual(["first.lock", "second.lock", "srv_young.lock"]);
    first.close(0);
    second.close(0);
  });

  it("is tidied up after exactly once by several that open the directory at once", async () => {
    const dead = await program.start("register", folder.path, "a", "b", "c");
    await dead.kill();
    const openers = await Promise.all(
      Array.from({ length: 4 }, () => program.start("recover", folder.path)),
    );
    const ended = openers.map(({ line }) => Number(line)).sort();
    expect(ended).toEqual([0, 0, 0, 3]);
    const completions = database.prepare("SELECT body FROM completions ORDER BY sequence").all();
    expect(completions.map(({ body }) => JSON.parse(String(body)).runId)).toEqual(["a", "b", "c"]);
  });
});

describe("a server of this process", () => {
  it("lives for another one here while it is open", () => {
    const [one, two] = [register("one"), register("two")];
    expect(two.isAlive("one")).toBe(true);
    one.close(0);
    expect(two.isAlive("one")).toBe(false);
    expect(two.dead()).toEqual([]);
    two.close(0);
    expect(lockFiles()).toEqual([]);
  });

  it("that never was, does not live", () => {
    const own = register("own");
    expect(own.isAlive("nobody")).toBe(false);
    own.close(0);
  });

  it("keeps its entry when it is closed with a run still open, for the next one to tidy up", () => {
    const own = register("own");
    new RunStore(database).insert({
      workspaceId: "ws",
      sessionId: "s",
      runId: "a",
      clientId: "c",
      serverId: "own",
      kind: "prompt",
      promptHash: "",
      options: undefined,
      state: "queued",
      acceptedAt: 0,
    });
    own.close(0);
    const next = register("next");
    expect(next.dead()).toEqual(["own"]);
    next.close(0);
  });

  it("releases its lock even where the disk refuses its leave", () => {
    const own = register("own");
    database.prepare("PRAGMA query_only = 1").run();
    expect(() => own.close(0)).toThrow(expect.objectContaining({ name: "StorageFailed" }));
    database.prepare("PRAGMA query_only = 0").run();
    const next = register("next");
    expect(next.dead()).toEqual(["own"]);
    next.close(0);
  });

  it("leaves nothing where what belongs to its start fails", () => {
    const fail = () => {
      throw new Error("damaged");
    };
    const registration = { id: "own", now: 0 };
    expect(() => ServerRegistry.register(database, folder.path, registration, fail)).toThrow(
      "damaged",
    );
    expect(known()).toEqual([]);
    expect(lockFiles()).toEqual([]);
  });

  it("that cannot be written down holds no lock", () => {
    database.prepare("PRAGMA query_only = 1").run();
    expect(() => register("own")).toThrow(expect.objectContaining({ name: "StorageFailed" }));
    database.prepare("PRAGMA query_only = 0").run();
    const next = register("next");
    expect(next.isAlive("own")).toBe(false);
    next.close(0);
    expect(existsSync(join(folder.path, "servers", "own.lock"))).toBe(false);
  });
});
