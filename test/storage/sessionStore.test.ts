import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Database } from "../../src/storage/database.js";
import { MessageHistory } from "../../src/storage/messageHistory.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { RunStore } from "../../src/storage/runStore.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let database: Database;
beforeEach(() => {
  folder = temporaryFolder();
  database = Database.open(join(folder.path, "turnwire.db"));
});
afterEach(() => {
  database.close();
  folder.remove();
});

it("deletes no session on which any server has an open run", () => {
  const sessions = new SessionStore(database);
  const runs = new RunStore(database);
  const head = { workspaceId: "w", parentSessionId: undefined, title: "", createdAt: 1 };
  sessions.insert({ ...head, id: "idle" });
  sessions.insert({ ...head, id: "busy" });
  const run = runs.insert({
    workspaceId: "w",
    sessionId: "busy",
    runId: undefined,
    clientId: "c",
    serverId: "s",
    kind: "prompt",
    promptHash: "h",
    options: undefined,
    state: "running",
    acceptedAt: 1,
  });
  expect(sessions.delete(["idle", "busy"])).toBe(false);
  expect(sessions.list("w", 10)).toHaveLength(2);
  runs.setState(run, "completed");
  expect(sessions.delete(["idle", "busy"])).toBe(true);
  expect(sessions.list("w", 10)).toEqual([]);
});

it("gives a history from its summary on: with what the summary's turn was asked, and no other summary", () => {
  const messages = new MessageStore(database);
  const add = (id: string, run: number | undefined, role = "user", isSummary = false) =>
    messages.insert({
      id,
      sessionId: "s",
      run,
      role,
      parts: "[]",
      isSummary,
      createdAt: 1,
      model: undefined,
      provider: undefined,
    });
  add("old", 1);
  add("old reply", 1, "assistant");
  add("asked", 2);
  add("lost summary", 2, "assistant", true);
  add("step", 2, "assistant");
  add("result", 2, "tool");
  add("joined", 2);
  add("summary", 2, "assistant", true);
  add("last", 2, "assistant");
  add("next", 3);
  const ids = (from?: string) => new MessageHistory(database).of("s", from).map(({ id }) => id);
  expect(ids("summary")).toEqual(["summary", "asked", "joined", "last", "next"]);
  expect(ids()).not.toContain("lost summary");
  expect(ids()).toHaveLength(8);
  add("by hand", 4, "assistant", true);
  expect(ids("by hand")).toEqual(["by hand"]);
  add("of nobody's turn", undefined, "assistant", true);
  expect(ids("of nobody's turn")).toEqual(["of nobody's turn"]);
});
