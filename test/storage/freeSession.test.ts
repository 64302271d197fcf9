// One look tells a prompt whether its session is free, which else five tell one by one.
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CheckpointStore } from "../../src/storage/checkpointStore.js";
import { Database } from "../../src/storage/database.js";
import { GoingOnStore } from "../../src/storage/goingOnStore.js";
import { nobody, RunStore } from "../../src/storage/runStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { overwritePages } from "../helpers/damage.js";
import { planOf } from "../helpers/statementPlans.js";

let folder: ReturnType<typeof temporaryFolder>;
let database: Database;

const open = () => Database.open(join(folder.path, "turnwire.db"));
beforeEach(() => {
  folder = temporaryFolder();
  database = open();
});
afterEach(() => {
  database.close();
  folder.remove();
});

const session = fc.constantFrom("s", "parent");
const thing = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("run" as const),
      session,
      state: fc.constantFrom("queued", "accepted", "running", "completed", "completed"),
      server: fc.constantFrom("own", "other", nobody),
      goesOn: fc.boolean(),
      writes: fc.constantFrom(undefined, "s", "parent"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("checkpoint" as const),
      session,
      rewinding: fc.constantFrom(null, "own", "other"),
    }),
  },
);
type Thing = typeof thing extends fc.Arbitrary<infer T> ? T : never;

function add(one: Thing, index: number): void {
  if (one.kind === "checkpoint") {
    const checkpoints = new CheckpointStore(database);
    const at = checkpoints.begin({ id: `c${index}`, sessionId: one.session, createdAt: 1 });
    if (one.rewinding !== null) checkpoints.rewinds.begin(at, one.rewinding, undefined);
    return;
  }
  const { lastInsertRowid } = database
    .prepare(
      `INSERT INTO runs (workspaceId, sessionId, clientId, serverId, kind, promptHash, state, acceptedAt, goesOn)
       VALUES ('ws', ?, 'c', ?, 'prompt', '', ?, 1, ?)`,
    )
    .run(one.session, one.server, one.state, one.goesOn ? 1 : 0);
  if (one.writes === undefined) return;
  database
    .prepare(
      `INSERT INTO messages (id, sessionId, run, role, parts, isSummary, createdAt, updatedAt)
       VALUES (?, ?, ?, 'user', '[]', 0, 1, 1)`,
    )
    .run(`m${index}`, one.writes, lastInsertRowid);
}

/** Asked one by one. */
function standsAgainst(sessionId: string) {
  const [runs, goingOn] = [new RunStore(database), new GoingOnStore(database)];
  return [
    runs.otherOwner(sessionId, "own") !== undefined,
    runs.isSubTask(sessionId),
    goingOn.isWaiting(sessionId),
    goingOn.free(sessionId).length > 0,
    new CheckpointStore(database).rewinds.serverOf(sessionId) !== undefined,
  ];
}

it("says the same as all of them, whatever is stored", () => {
  fc.assert(
    fc.property(fc.array(thing, { maxLength: 5 }), (things) => {
      for (const table of ["messages", "runs", "checkpoints"]) {
        database.prepare(`DELETE FROM ${table}`).run();
      }
      things.forEach(add);
      const isFree = new GoingOnStore(database).isFree("s", "own");
      expect(isFree).toBe(!standsAgainst("s").includes(true));
    }),
    { numRuns: 500 },
  );
});

it("looks at no more than the open runs, the newest message and the open rewinds", () => {
  const prepare = vi.spyOn(database, "prepare");
  new GoingOnStore(database).isFree("s", "own");
  const [[sql] = [""]] = prepare.mock.calls;
  const plan = planOf(database, sql).join("; ");
  expect(plan).toContain("openRunsOfSession");
  expect(plan).not.toMatch(/\bSCAN (?!CONSTANT)/);
});

it("is no proof where a page is damaged", () => {
  const run = { kind: "run", session: "s", server: "own", goesOn: false, writes: "s" } as const;
  add({ ...run, state: "completed" }, 0);
  database.close();
  overwritePages(join(folder.path, "turnwire.db"), "m0");
  database = open();
  expect(new GoingOnStore(database).isFree("s", "own")).toBe(false);
});
