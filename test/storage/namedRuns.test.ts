// `listRuns` with a `runId`: found by the index, however many runs there are.
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { Database } from "../../src/storage/database.js";
import { RunStore } from "../../src/storage/runStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";

it("finds the runs of one name in every workspace, newest first, without reading the others", () => {
  const folder = temporaryFolder();
  const database = Database.open(join(folder.path, "turnwire.db"));
  try {
    const workspace = database.prepare(
      "INSERT INTO workspaces (id, path, createdAt) VALUES (?, ?, 1)",
    );
    const run = database.prepare(
      `INSERT INTO runs (workspaceId, runId, sessionId, clientId, serverId, kind, promptHash, state, acceptedAt)
       VALUES (?, ?, 's', 'c', 'srv', 'prompt', 'h', 'completed', 1)`,
    );
    for (const id of ["a", "b", "c"]) {
      workspace.run(id, `/${id}`);
      for (let at = 0; at < 50; at++) run.run(id, `r-${at}`);
    }
    const prepared = vi.spyOn(database, "prepare");
    const runs = new RunStore(database);
    const named = (limit: number) =>
      runs.newest(limit, "r-7").map(({ workspaceId }) => workspaceId);
    expect([named(20), named(2), runs.newest(2, "none")]).toEqual([
      ["c", "b", "a"],
      ["c", "b"],
      [],
    ]);
    const [[sql = ""] = []] = prepared.mock.calls;
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all("r-7", 20);
    const steps = plan
      .map(({ detail }) => String(detail))
      .filter((step) => step.includes(" runs "));
    expect(steps).toEqual([
      expect.stringMatching(
        /^SEARCH runs USING .*INDEX runsByRunId \(workspaceId=\? AND runId=\?\)/,
      ),
    ]);
    expect(runs.newest(3).map(({ runId }) => runId)).toEqual(["r-49", "r-48", "r-47"]);
  } finally {
    database.close();
    folder.remove();
  }
});
