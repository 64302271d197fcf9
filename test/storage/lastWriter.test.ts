import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Database } from "../../src/storage/database.js";
import { RunStore } from "../../src/storage/runStore.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { overwritePages } from "../helpers/damage.js";

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

function addRun(sessionId: string, state: string, serverId = "other"): number {
  return database
    .prepare(
      `INSERT INTO runs (workspaceId, sessionId, clientId, serverId, kind, promptHash, state, acceptedAt)
       VALUES ('ws', ?, 'c', ?, 'prompt', '', ?, 1)`,
    )
    .run(sessionId, serverId, state).lastInsertRowid;
}

function addMessage(sessionId: string, run: number | null): void {
  database
    .prepare(
      `INSERT INTO messages (id, sessionId, run, role, parts, createdAt, updatedAt)
       VALUES (lower(hex(randomblob(8))), ?, ?, 'user', '[]', 1, 1)`,
    )
    .run(sessionId, run);
}

/** Whether a session is a sub-task of an open run, and which other server has that. */
const askedOf = (sessionId: string) => {
  const runs = new RunStore(database);
  return [runs.isSubTask(sessionId), runs.otherOwner(sessionId, "own")];
};

it("is the run of the newest message, and of no earlier one", () => {
  expect(askedOf("child")).toEqual([false, undefined]);
  const parent = addRun("parent", "running");
  addMessage("child", parent);
  expect(askedOf("child")).toEqual([true, "other"]);
  for (const run of [null, -parent, 999_999, addRun("parent", "completed")]) {
    addMessage("child", run);
    expect(askedOf("child")).toEqual([false, undefined]);
  }
  addMessage("child", addRun("parent", "running", "own"));
  expect(askedOf("child")).toEqual([true, undefined]);
  addMessage("child", addRun("parent", "what no program of ours writes"));
  expect(askedOf("child")).toEqual([false, undefined]);
  addMessage("parent", parent);
  expect(askedOf("parent")).toEqual([false, "other"]);
});

it("is of no open run where its row is damaged", () => {
  const parent = addRun("parent", "running", "on a bad page");
  addMessage("child", parent);
  database.close();
  expect(overwritePages(file, "on a bad page")).toBeGreaterThan(0);
  database = Database.open(file);
  expect(askedOf("child")).toEqual([false, undefined]);
});

it("has a title and a summary that are read alone, of a session of that workspace", () => {
  const sessions = new SessionStore(database);
  database
    .prepare(
      `INSERT INTO sessions (id, workspaceId, title, summaryMessageId, createdAt, updatedAt)
       VALUES ('s', 'ws', '', 'm1', 1, 1), ('t', 'ws', 'T', NULL, 1, 1)`,
    )
    .run();
  const textsOf = (workspaceId: string, id: string) => [
    sessions.text(workspaceId, id, "title"),
    sessions.text(workspaceId, id, "summaryMessageId"),
  ];
  expect(textsOf("ws", "s")).toEqual(["", "m1"]);
  expect(textsOf("ws", "t")).toEqual(["T", undefined]);
  expect(textsOf("other", "s")).toEqual([undefined, undefined]);
  expect(textsOf("ws", "gone")).toEqual([undefined, undefined]);
});
