// `turnwire doctor --repair` on real files, damaged as disks damage them.
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { repairCommand } from "../../src/cli/repair.js";
import { ForgottenSessions } from "../../src/storage/forgottenSessions.js";
import { repairDatabase } from "../../src/storage/repair.js";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";
import { bySqlite, overwritePages, releaseFiles, settleFile } from "../helpers/damage.js";
import { openStored } from "../helpers/storedFile.js";
import { CountingIds } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
const ids = new CountingIds();
const runIds = Array.from({ length: 12 }, (_, index) => `run ${index}`);
const text = (name: string) => `${name} says `.repeat(600);

const open = () => new CoordinatorHouse({ directory: folder.path, ids });

beforeEach(async () => {
  folder = temporaryFolder();
  file = join(folder.path, "turnwire.db");
  const house = open();
  for (const runId of runIds) {
    house.session(runId);
    (await house.begin(runId, { runId, text: `${runId} asks` })).succeed(text(runId));
    await house.clock.settle();
  }
  await house.close();
  await settled();
});
afterEach(() => folder.remove());

function readSql(sql: string): Record<string, unknown>[] {
  const sqlite = openStored(file, { readOnly: true });
  try {
    return sqlite.prepare(sql).all() as Record<string, unknown>[];
  } finally {
    sqlite.close();
  }
}

const readAll = (table: string) => readSql(`SELECT * FROM ${table}`);

/** Everything is in the file, and nobody has it open. */
async function settled(): Promise<void> {
  await releaseFiles();
  settleFile(file);
  await releaseFiles();
}

const repair = async () => {
  await releaseFiles();
  const { copy, tables } = repairDatabase(folder.path, 1);
  return { copy, tables: Object.fromEntries(tables.map((one) => [one.table, one])) };
};

/** Every run can be asked for, and the database takes more. */
async function expectUsable(): Promise<CoordinatorHouse> {
  const house = open();
  expect(house.database.prepare("PRAGMA integrity_check").all()).toEqual([
    { integrity_check: "ok" },
  ]);
  house.session("new");
  (await house.begin("new", { runId: "new" })).succeed("more");
  await house.clock.settle();
  expect(house.completion("new")).toMatchObject({ status: "succeeded" });
  return house;
}

it("does nothing to a database that is sound", async () => {
  await releaseFiles();
  const before = readFileSync(file);
  expect((await repair()).copy).toBeUndefined();
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(readdirSync(folder.path).filter((name) => name.includes("damaged"))).toEqual([]);
});

it("refuses while a server lives on the directory, also one whose lock was removed", async () => {
  const house = open();
  const before = readdirSync(folder.path);
  await expect(repair()).rejects.toThrow(/is using .*; end it first/);
  house.registry.close(0);
  await expect(repair()).rejects.toThrow(/is using .*; end it first/);
  expect(readdirSync(folder.path)).toEqual(before);
  house.broadcaster.close();
  house.database.close();
});

it("keeps everything but what a text that is no JSON said", async () => {
  bySqlite(file, "UPDATE messages SET parts = '[{' WHERE sessionId = 'run 3' AND role = 'user'");
  bySqlite(file, "UPDATE completions SET body = 'x' WHERE sessionId = 'run 5'");
  await settled();
  const before = readFileSync(file);
  const { copy = "", tables } = await repair();
  expect(readFileSync(copy).equals(before)).toBe(true);
  expect(statSync(copy).mode & 0o777).toBe(statSync(file).mode & 0o777);
  expect(tables.messages).toMatchObject({ kept: 23, mended: [expect.any(String)], leftOut: [] });
  expect(tables.completions).toMatchObject({ kept: 11, leftOut: [] });
  const house = await expectUsable();
  expect(house.completion("run 5")).toMatchObject({ errorName: "StorageDamaged", runId: "run 5" });
  expect(house.completion("run 3")).toMatchObject({ text: text("run 3") });
  await house.close();
  expect((await repair()).copy).toBeUndefined();
});

it("keeps open questions, the sessions of engines, and what runs go on with", async () => {
  const rows = {
    questions: `'per_1', 1, 'c', 'srv', '{"tool":"bash"}', 5, 7, NULL, NULL`,
    engineSessions: "'run 4', 'scripted', 'own 4', 'msg'",
    resumableWorkspaces: "'ws', '{}'",
  };
  for (const [table, row] of Object.entries(rows)) {
    bySqlite(file, `INSERT INTO ${table} VALUES (${row})`);
  }
  const all = () => Object.keys(rows).map((table) => readAll(table));
  const before = all();
  expect(before.map((found) => found.length)).toEqual([1, 1, 1]);
  bySqlite(file, "UPDATE messages SET parts = '[{' WHERE sessionId = 'run 3' AND role = 'user'");
  await settled();
  const { tables } = await repair();
  expect(Object.keys(rows).map((table) => tables[table])).toMatchObject([
    { kept: 1, leftOut: [] },
    { kept: 1, leftOut: [] },
    { kept: 1, leftOut: [] },
  ]);
  expect(all()).toEqual(before);
});

it("knows every table there is, but the connections of servers that are gone", async () => {
  bySqlite(file, "UPDATE messages SET parts = '[{' WHERE sessionId = 'run 3' AND role = 'user'");
  await settled();
  const { tables } = await repair();
  const sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
  const own = readSql(sql).map(({ name }) => String(name));
  // What words are found by is made anew.
  const left = own.filter((name) => !(name in tables) && !/^searchIndex|Search|search/.test(name));
  expect(left).toEqual(["connections"]);
});

describe.each([
  ["a reply", "run 4 says run 4 says"],
  ["a prompt", "run 4 asks"],
  ["the first page of runs", '"run 0"'],
])("a page that was overwritten, with %s in it", (_, needle) => {
  it.each([0, 0xa5])("(by %d)", async (fill) => {
    const bytes = needle.startsWith('"') ? "run 0" : needle;
    expect(overwritePages(file, bytes, fill)).toBeGreaterThan(0);
    await repair();
    const house = await expectUsable();
    for (const runId of runIds) {
      const row = house.runs.find(workspaceId, runId);
      if (row === undefined) continue;
      expect(row.state).toBe("completed");
      house.completion(runId);
    }
    expect(house.completion("run 9")).toMatchObject({ text: text("run 9"), runId: "run 9" });
    expect(house.sessions.find(workspaceId, "run 9")).toBeDefined();
    expect(house.accept("run 9", { runId: "run 9", text: "run 9 asks" }).isDuplicate).toBe(true);
    await house.close();
  });
});

it("rebuilds a file whose end is missing", async () => {
  // The first pages tell what tables there are; a file without them cannot be read at all.
  truncateSync(file, Math.floor((statSync(file).size * 2) / 3 / 4096) * 4096);
  expect(open).toThrow(/is damaged.*doctor --repair/);
  const { tables } = await repair();
  const counts = Object.values(tables);
  expect(counts.reduce((sum, { kept, mended }) => sum + kept + mended.length, 0)).toBeGreaterThan(
    5,
  );
  await (await expectUsable()).close();
});

it("gives no number twice, also where the newest rows are lost", async () => {
  bySqlite(file, "UPDATE sqlite_sequence SET seq = 500 WHERE name = 'completions'");
  bySqlite(file, "UPDATE completions SET body = '' WHERE sequence = 1");
  bySqlite(file, "UPDATE messages SET parts = '{' WHERE position = 1");
  await repair();
  const house = await expectUsable();
  expect(house.completion("new")?.sequence).toBe(501);
  await house.close();
});

describe("a session whose deletion was under way", () => {
  const messagesOf = (house: CoordinatorHouse, id: string) =>
    house.database.prepare("SELECT count(*) AS n FROM messages WHERE sessionId = ?").get(id)?.n;

  it("does not come back, and the next server goes on deleting it", async () => {
    const dying = open();
    dying.sessions.delete(["run 2"]);
    await dying.close();
    // Something else is damaged, and the row of a session that was not deleted is lost.
    bySqlite(file, "UPDATE messages SET parts = '[{' WHERE sessionId = 'run 3'");
    bySqlite(file, "DELETE FROM sessions WHERE id = 'run 7'");
    await settled();
    expect((await repair()).copy).toBeDefined();
    const house = await expectUsable();
    expect(house.sessions.exists("run 7")).toBe(true);
    expect(house.sessions.exists("run 2")).toBe(false);
    expect(messagesOf(house, "run 2")).toBe(2);
    const forgotten = new ForgottenSessions(house.database);
    expect(forgotten.next).toBe("run 2");
    while (forgotten.has("run 2")) forgotten.step("run 2");
    expect(messagesOf(house, "run 2")).toBe(0);
    await house.close();
  });

  it("does not come back because of a message that could not be deleted", async () => {
    const dying = open();
    dying.database
      .prepare("UPDATE completions SET acknowledgedAt = 1 WHERE sessionId = 'run 2'")
      .run();
    dying.sessions.delete(["run 2"]);
    const forgotten = new ForgottenSessions(dying.database);
    dying.database
      .prepare(
        "CREATE TEMP TABLE stays AS SELECT * FROM messages WHERE sessionId = 'run 2' LIMIT 1",
      )
      .run();
    while (forgotten.has("run 2")) forgotten.step("run 2");
    dying.database.prepare("INSERT INTO messages SELECT * FROM stays").run();
    await dying.close();
    bySqlite(file, "UPDATE messages SET parts = '[{' WHERE sessionId = 'run 3'");
    await settled();
    await repair();
    const house = await expectUsable();
    expect(messagesOf(house, "run 2")).toBe(1);
    expect(house.sessions.exists("run 2")).toBe(false);
    await house.close();
  });
});

it("leaves a run that was open for the next server to end", async () => {
  const dying = open();
  dying.session("open");
  await dying.begin("open", { runId: "open" });
  dying.crash();
  bySqlite(file, "DELETE FROM servers");
  bySqlite(file, "UPDATE messages SET parts = '{' WHERE position = 1");
  await repair();
  const house = await expectUsable();
  expect(house.completion("open")).toMatchObject({ status: "interrupted" });
  await house.close();
});

it("leaves a file of which nothing can be read as it was, and says so", async () => {
  writeFileSync(file, "notes of a person, which are longer than a header\n".repeat(400));
  const before = readFileSync(file);
  const lines: string[] = [];
  await releaseFiles();
  expect(await repairCommand(folder.path, (line) => lines.push(line))).toBe(1);
  expect(lines.join("\n")).toMatch(/PROBLEM: .*is no SQLite database/);
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(existsSync(`${file}.repairing`)).toBe(false);
});

it("says what it did, row by row", async () => {
  copyFileSync(file, join(folder.path, "kept.db"));
  bySqlite(file, "UPDATE messages SET parts = '{' WHERE id = (SELECT min(id) FROM messages)");
  const sqlite = openStored(file);
  const { id } = sqlite.prepare("SELECT min(id) AS id FROM messages").get() ?? {};
  sqlite.close();
  const lines: string[] = [];
  await releaseFiles();
  expect(await repairCommand(folder.path, (line) => lines.push(line))).toBe(0);
  expect(lines[0]).toMatch(/^copy +.*turnwire\.db\.damaged-.* is the database as it was$/);
  expect(lines).toContainEqual(expect.stringMatching(/^messages +23 kept, 1 mended, 0 left out$/));
  expect(lines).toContainEqual(expect.stringContaining(`mended: ${id}`));
  expect(await repairCommand(folder.path, (line) => lines.push(line))).toBe(0);
  expect(lines.at(-1)).toMatch(/nothing is damaged/);
});
