// What is promised is on the disk: at each thing that a server tells, a power cut would take every write
// that was not fsynced, and the books must be right all the same.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { canRecord, type Disk, momentsOf, restore } from "../helpers/syncedDisk.js";
import { unless } from "../helpers/unless.js";
import { histories } from "./longRun.js";
import { afterPowerCut, integrity, RecordedServer, ToldLines } from "./recordedServer.js";

afterAll(() => endServers());

const options = { onServerLoss: "continue" } as const;

/** The database as a power cut leaves it. */
function booksOf(disk: Disk) {
  return afterPowerCut(disk, (all) => ({
    integrity: integrity(all),
    runs: new Set<unknown>(all("SELECT runId FROM runs").map(({ runId }) => runId)),
    completed: new Set<unknown>(
      all("SELECT runId FROM completions JOIN runs ON run = position").map(({ runId }) => runId),
    ),
    paused: all("SELECT 1 FROM sessions WHERE queuePaused = 1").length > 0,
    begun: all("SELECT parts FROM messages").some(({ parts }) =>
      /"state":"(running|completed)"/.test(String(parts)),
    ),
  }));
}

const write = (name: string) =>
  `@tool write ${JSON.stringify({ path: name, content: "once\n" })}\n@say done`;

unless(
  describe,
  !canRecord,
  "system calls cannot be recorded here (strace)",
)("a power cut at each thing that is promised", () => {
  it.each(histories(1, 20))("loses nothing of it (%i)", async () => {
    const server = new RecordedServer();
    const path = join(server.root, "workspace");
    mkdirSync(path);
    await server.call("initialize", { clientId: "c" });
    const opened = { path, permissionMode: "allow", initAgent: true };
    const workspaceId = (await server.call("createWorkspace", opened)).id;
    const sessionId = (await server.call("createSession", { workspaceId })).id;
    const ids = { workspaceId, sessionId };
    const send = (runId: string, prompt: string, more: object = {}) =>
      server.call("sendMessage", { ...ids, runId, prompt, ...more });
    await send("a", write("effect.txt"), { options });
    await server.completed("a");
    await send("b", "@say plain");
    await server.completed("b");
    await server.call("pauseQueue", ids);
    const pause = server.lastId;
    await send("c", "@say paused", { options });
    await send("d", "@say paused too");
    const moments = momentsOf([await server.end()], server);

    const promised = { runs: new Set<unknown>(), completed: new Set<unknown>() };
    let isPaused = false;
    let marked: Disk | undefined;
    const lines = new ToldLines();
    for (const moment of moments) {
      if (moment.touched?.includes("effect.txt")) {
        expect(booksOf(moment.disk)).toMatchObject({ begun: true, integrity: ["ok"] });
        marked ??= moment.disk;
      }
      let isNew = false;
      for (const { id, result, method, params } of lines.add(moment.told ?? "")) {
        if (result?.state !== undefined && result.runId !== undefined) {
          promised.runs.add(result.runId);
          isNew = true;
        }
        if (method === "runComplete") {
          promised.completed.add(params?.runId);
          isNew = true;
        }
        if (id === pause && method === undefined) {
          isPaused = true;
          isNew = true;
        }
      }
      if (!isNew) continue;
      const books = booksOf(moment.disk);
      expect(books.integrity).toEqual(["ok"]);
      expect([...promised.runs].filter((runId) => !books.runs.has(runId))).toEqual([]);
      expect([...promised.completed].filter((runId) => !books.completed.has(runId))).toEqual([]);
      if (isPaused) expect(books.paused).toBe(true);
    }
    // One write may tell several things.
    expect(isPaused).toBe(true);
    expect(promised.runs).toEqual(new Set(["a", "b", "c", "d"]));
    expect(promised.completed).toEqual(new Set(["a", "b"]));

    // A server on what is left: the tool that had begun does not run again, and its run goes on.
    expect(marked).toBeDefined();
    const dataDir = makeFolder();
    restore(marked ?? new Map(), dataDir);
    rmSync(join(path, "effect.txt"), { force: true });
    const next = startServer({ dataDir });
    await next.call("initialize", { clientId: "c" });
    await next.call("createWorkspace", { path, permissionMode: "allow", initAgent: true });
    expect(await next.completion("a")).toMatchObject({
      status: "succeeded",
      continuations: 1,
    });
    expect(existsSync(join(path, "effect.txt"))).toBe(false);
  });
});
