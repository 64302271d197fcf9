import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Database } from "../../src/storage/database.js";
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
    ...{ workspaceId: "w", sessionId: "busy", runId: undefined, clientId: "c", serverId: "s" },
    ...{ kind: "prompt", promptHash: "h", state: "running", acceptedAt: 1 },
  });
  expect(sessions.delete(["idle", "busy"])).toBe(false);
  expect(sessions.list("w", 10)).toHaveLength(2);
  runs.setState(run, "completed");
  expect(sessions.delete(["idle", "busy"])).toBe(true);
  expect(sessions.list("w", 10)).toEqual([]);
});
