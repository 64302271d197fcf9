// What is asked about the open runs of a session costs the same however many it had.
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CheckpointStore } from "../../src/storage/checkpointStore.js";
import { Database } from "../../src/storage/database.js";
import { GoingOnStore } from "../../src/storage/goingOnStore.js";
import { OpenRewinds } from "../../src/storage/openRewinds.js";
import { QueueStore } from "../../src/storage/queueStore.js";
import { nobody, RunStore } from "../../src/storage/runStore.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { overwritePages, settleFile } from "../helpers/damage.js";
import { planOf } from "../helpers/statementPlans.js";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let database: Database;

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, "turnwire.db");
  database = Database.open(file);
});
afterEach(() => {
  database.close();
  folder.remove();
});

function add(sessionId: string, state: string, serverId: string, goesOn = 0): void {
  database
    .prepare(
      `INSERT INTO runs (workspaceId, sessionId, clientId, serverId, kind, promptHash, state, acceptedAt, goesOn)
       VALUES ('ws', ?, 'c', ?, 'prompt', '', ?, 1, ?)`,
    )
    .run(sessionId, serverId, state, goesOn);
}

/** Asks everything that there is to ask. */
function askAll(sessionId: string) {
  const runs = new RunStore(database);
  const goingOn = new GoingOnStore(database);
  const queue = new QueueStore(database);
  return {
    otherOwner: runs.otherOwner(sessionId, "own"),
    hasTurn: runs.hasTurn(sessionId),
    free: goingOn.free(sessionId).length,
    isWaiting: goingOn.isWaiting(sessionId),
    isHeld: [true, false].map((isPaused) => goingOn.isHeld(sessionId, isPaused)),
    isRunOpen: new OpenRewinds(database).isRunOpen(sessionId),
    queued: queue.waiting(sessionId).length,
    elsewhere: queue.countElsewhere(sessionId, "own"),
    beforeOpenTurn: new CheckpointStore(database).beforeOpenTurn(sessionId),
  };
}

it("is asked of the index that has nothing else", () => {
  const prepare = vi.spyOn(database, "prepare");
  askAll("s");
  new GoingOnStore(database).take("s", "own");
  new QueueStore(database).setPaused("s", false);
  new SessionStore(database).delete(["s"]);
  const asked = prepare.mock.calls.map(([sql]) => sql);
  prepare.mockRestore();
  const ofSession = asked.filter((sql) => /\bruns\b.*sessionId.*state <>/s.test(sql));
  expect(ofSession.length).toBeGreaterThanOrEqual(12);
  for (const sql of ofSession) expect(planOf(database, sql).join()).toContain("openRunsOfSession");
});

it("is answered by the open runs of that session alone", () => {
  for (let count = 0; count < 100; count++) add("s", "completed", "other", 1);
  add("t", "running", "other", 1);
  add("t", "queued", nobody, 1);
  const none = { otherOwner: undefined, hasTurn: false, free: 0, isWaiting: false };
  const noMore = { isHeld: [false, false], isRunOpen: false, queued: 0, elsewhere: 0 };
  expect(askAll("s")).toEqual({ ...none, ...noMore });
  expect(askAll("t")).toEqual({
    otherOwner: "other",
    hasTurn: true,
    free: 1,
    isWaiting: true,
    isHeld: [false, true],
    isRunOpen: true,
    queued: 1,
    elsewhere: 1,
  });
  const stores = [new SessionStore(database), new GoingOnStore(database)] as const;
  expect(stores[0].delete(["t"])).toBe(false);
  stores[1].take("t", "own");
  expect(stores[1].free("t")).toEqual([]);
  expect(stores[1].free("s")).toEqual([]);
});

it.each([[["openRunsOfSession"]], [["runsOfSession"]], [["openRunsOfSession", "runsOfSession"]]])(
  "has another server's run also where the index is damaged: %s",
  (indexes) => {
    add("s", "running", "other");
    add("t", "completed", "other");
    database.close();
    settleFile(file);
    for (const index of indexes) overwriteRoot(index);
    database = Database.open(file);
    const runs = new RunStore(database);
    expect([runs.otherOwner("s", "own"), runs.hasTurn("s")]).toEqual(["other", true]);
    expect([runs.otherOwner("t", "own"), runs.hasTurn("t")]).toEqual([undefined, false]);
  },
);

it("has another server's run also beside a run of the session that is damaged", () => {
  add("s", "running", `on a bad page ${"x".repeat(3500)}`);
  // So that the others are on other pages.
  for (let count = 0; count < 200; count++) add("t", "completed", "y".repeat(200));
  add("s", "running", "other");
  add("u", "running", `on a bad page ${"x".repeat(3500)}`);
  database.close();
  expect(overwritePages(file, "on a bad page")).toBeGreaterThan(0);
  database = Database.open(file);
  const runs = new RunStore(database);
  expect([runs.otherOwner("s", "own"), runs.hasTurn("s")]).toEqual(["other", true]);
  expect([runs.otherOwner("u", "own"), runs.hasTurn("u")]).toEqual([undefined, false]);
});

/** Overwrites the page on which an index of a closed file begins. */
function overwriteRoot(index: string): void {
  const reading = Database.open(file);
  const row = reading.prepare("SELECT rootpage FROM sqlite_master WHERE name = ?").get(index);
  reading.close();
  const handle = openSync(file, "r+");
  writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, (Number(row?.rootpage) - 1) * 4096);
  closeSync(handle);
}
