// Two versions of Turnwire on one data directory (protocol.md section 9). The other version is one
// with a step more, or one less.
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { lifeOf, processNamespace } from "../../src/process/processLife.js";
import { Database } from "../../src/storage/database.js";
import { olderServers } from "../../src/storage/knownServers.js";
import { type Schema, schema } from "../../src/storage/migrations.js";
import { ServerRegistry } from "../../src/storage/serverRegistry.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { openStored } from "../helpers/storedFile.js";
import { buildStorageProgram } from "./storageProcess.js";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let program: Awaited<ReturnType<typeof buildStorageProgram>>;

beforeAll(async () => {
  program = await buildStorageProgram();
});
afterAll(() => program.remove());
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, "turnwire.db");
});
afterEach(() => folder.remove());

const own = { version: "2", processId: process.pid, place: processNamespace(), lifeOf };
const count = schema.steps.length;

/** The next version: one step more, which only adds. It cannot do without that unless told. */
const next: Schema = {
  steps: [...schema.steps, "ALTER TABLE runs ADD COLUMN later TEXT; CREATE TABLE added (a TEXT)"],
  readableFrom: schema.readableFrom,
  worksFrom: count + 1,
};
/** The version before this one. */
const before: Schema = { ...schema, steps: schema.steps.slice(0, count - 1) };

const open = (of: Schema) =>
  Database.open(file, {
    schema: of,
    olderServers: (database, steps) => olderServers(database, folder.path, own, steps),
  });

/** Opens with a version and closes again; returns how many steps the file has taken then. */
function stepsAfter(of: Schema): number {
  const database = open(of);
  const { steps } = database;
  database.close();
  return steps;
}

function userVersion(): number {
  const sqlite = openStored(file, { readOnly: true });
  const row = sqlite.prepare("PRAGMA user_version").get() as { user_version: number };
  sqlite.close();
  return row.user_version;
}

describe("a newer version", () => {
  it("that needs its own schema refuses while an older server lives, names it, and changes nothing", async () => {
    const older = await program.start("register", folder.path);
    expect(() => open(next)).toThrow(
      expect.objectContaining({
        name: "StorageFailed",
        message: expect.stringMatching(
          /older version.*Turnwire 1 \(process \d+\).*then start again/,
        ),
        data: {
          reason: "olderServerRunning",
          servers: [{ pid: older.child.pid, version: "1" }],
        },
      }),
    );
    expect(stepsAfter(schema)).toBe(count);
    await older.kill();
    expect(stepsAfter(next)).toBe(count + 1);
  });

  it("that can works with the old schema until the older server has ended", async () => {
    const older = await program.start("register", folder.path);
    const flexible = { ...next, worksFrom: count };
    expect(stepsAfter(flexible)).toBe(count);
    await older.kill();
    expect(stepsAfter(flexible)).toBe(count + 1);
  });

  it("minds neither a dead server nor one as new as itself", async () => {
    const dead = await program.start("register", folder.path);
    await dead.kill();
    const first = open(schema);
    const registry = ServerRegistry.register(first, folder.path, { id: "one", now: 1, own });
    first.prepare("UPDATE servers SET schema = ? WHERE id = 'one'").run(count + 1);
    expect(stepsAfter(next)).toBe(count + 1);
    registry.close(0);
    first.close();
  });

  it("takes a server that does not say what it knows for an older one", async () => {
    const older = await program.start("register", folder.path);
    const sqlite = openStored(file);
    sqlite.exec("UPDATE servers SET schema = NULL");
    sqlite.close();
    expect(() => open(next)).toThrow(/older version/);
    await older.kill();
  });
});

describe("an older version", () => {
  it("goes on with a file to which a newer one only added", () => {
    expect(stepsAfter(next)).toBe(count + 1);
    expect(userVersion()).toBe(schema.readableFrom);
    for (const version of [schema, before]) {
      const database = open(version);
      expect(database.steps).toBe(count + 1);
      const registry = ServerRegistry.register(database, folder.path, { id: "old", now: 1, own });
      registry.close(0);
      database.close();
    }
    // It has not taken a step back either.
    expect(stepsAfter(next)).toBe(count + 1);
  });

  it("refuses a file that a newer one has made unreadable for it", () => {
    stepsAfter({ ...next, readableFrom: count + 1 });
    expect(() => open(schema)).toThrow(/was written by a newer Turnwire \(schema \d+, this one/);
    expect(stepsAfter(next)).toBe(count + 1);
    expect(userVersion()).toBe(count + 1);
  });

  it("keeps the file as it is for a newer one that can work so, also where it started first", () => {
    const old = open(before);
    expect(old.steps).toBe(count - 1);
    const registry = ServerRegistry.register(old, folder.path, { id: "old", now: 1, own });
    const newer = open(schema);
    expect(newer.steps).toBe(count - 1);
    const beside = ServerRegistry.register(newer, folder.path, {
      id: "new",
      now: 2,
      own: { ...own, processId: 0 },
    });
    expect(beside.others()).toMatchObject([{ id: "old", version: "2", processId: process.pid }]);
    beside.close(0);
    newer.close();
    registry.close(0);
    old.close();
    expect(stepsAfter(schema)).toBe(count);
  });
});
