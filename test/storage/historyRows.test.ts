import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Database } from "../../src/storage/database.js";
import { HistoryRows } from "../../src/storage/historyRows.js";
import { MessageHistory } from "../../src/storage/messageHistory.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { readMarks } from "../../src/storage/rowMarks.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { overwritePages } from "../helpers/damage.js";

let folder: ReturnType<typeof temporaryFolder>;
let database: Database;
let store: MessageStore;

beforeEach(() => {
  folder = temporaryFolder();
  database = Database.open(join(folder.path, "turnwire.db"));
  store = new MessageStore(database);
});
afterEach(() => {
  database.close();
  folder.remove();
});

function add(id: string, text: string, sessionId = "s"): void {
  store.insert({
    id,
    sessionId,
    run: 1,
    role: "user",
    parts: JSON.stringify([{ type: "text", text }]),
    isSummary: false,
    createdAt: 1,
    model: "m",
    provider: undefined,
    circumstances: id.endsWith("7") ? "{}" : undefined,
  });
}

const textOf = (at: number) => `${at} ü\u0000 ${"y".repeat(at * 3)}`;

/** The rows of all marks of a session, together and one by one, by their positions. */
function bothWays(sessionId = "s") {
  const rows = new HistoryRows(database);
  const marks = readMarks(rows.marks(sessionId, 0, Number.MAX_SAFE_INTEGER) ?? "");
  const alone = marks.flatMap(({ position }) => {
    const row = rows.at(sessionId, position);
    return row === undefined ? [] : [[position, row] as const];
  });
  return { marks, alone, together: [...rows.read(sessionId, marks)].sort(([a], [b]) => a - b) };
}

it("reads together what it reads one by one: long, growing, odd and damaged messages too", () => {
  for (let at = 0; at < 700; at++) {
    add(`m${at}`, at % 97 === 50 ? "x".repeat(1_200_000) : textOf(at));
    add(`other${at}`, "not of this session", "t");
  }
  for (const at of [3, 4, 300]) {
    const { length } = textOf(at);
    store.append(`m${at}`, [{ partIndex: 0, offset: length, text: `more of m${at}` }], 2);
  }
  const set = (column: string, value: string, id: string) =>
    database.prepare(`UPDATE messages SET ${column} = ${value} WHERE id = ?`).run(id);
  set("role", "'nobody'", "m130");
  set("circumstances", "7", "m132");
  set("updatedAt", "-1", "m133");
  add("damaged", `${"z".repeat(20_000)} on a bad page ${"z".repeat(20_000)}`);
  add("last", "behind it");
  database.close();
  expect(overwritePages(join(folder.path, "turnwire.db"), "on a bad page")).toBe(1);
  database = Database.open(join(folder.path, "turnwire.db"));
  const { marks, alone, together } = bothWays();
  expect(marks).toHaveLength(702);
  expect(together).toEqual(alone);
  expect(together).toHaveLength(701);
  expect(together.at(-1)?.[1].id).toBe("last");
  expect(together.find(([, { id }]) => id === "m300")?.[1].parts).toContain("more of m300");
});

it("asks for a long history with a few statements", () => {
  for (let at = 0; at < 600; at++) add(`m${at}`, "short");
  const prepare = vi.spyOn(database, "prepare");
  expect(new MessageHistory(database).of("s", undefined)).toHaveLength(600);
  expect(prepare.mock.calls.length).toBeLessThan(20);
});

it("does not read megabytes with one statement", () => {
  for (let at = 0; at < 12; at++) add(`m${at}`, "x".repeat(300_000));
  const read: number[] = [];
  const { prepare } = database;
  vi.spyOn(database, "prepare").mockImplementation((sql) => {
    const statement = prepare.call(database, sql);
    const all: typeof statement.all = (...values) => {
      const rows = statement.all(...values);
      read.push(rows.reduce((sum, { parts }) => sum + String(parts).length, 0));
      return rows;
    };
    return { ...statement, all };
  });
  expect(new MessageHistory(database).of("s", undefined)).toHaveLength(12);
  expect(read.length).toBeGreaterThan(3);
  expect(Math.max(...read)).toBeLessThanOrEqual(1024 * 1024);
});
