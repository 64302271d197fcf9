// A server is lost and the next one takes over its runs: at each fsync of that, and at each thing that is
// told, a power cut would take every write that was not fsynced, or some of them, and what was told must
// stand all the same. The lost server may live on: it must not get the run back through a power cut.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { locksFolder } from "../../src/base/dataFiles.js";
import { canRun, withForeignProc } from "../helpers/namespaces.js";
import { SeededRandom } from "../helpers/seededRandom.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { canRecord, type Disk, type Moment, momentsOf, restore } from "../helpers/syncedDisk.js";
import { unless } from "../helpers/unless.js";
import { histories } from "./longRun.js";
import { afterPowerCut, integrity, RecordedServer, ToldLines } from "./recordedServer.js";

afterAll(() => endServers());

const options = { onServerLoss: "continue" } as const;
/** The places of the two recordings. */
const [lost, next] = [0, 1];

interface RunBook {
  readonly serverId: string;
  readonly epoch: number;
  readonly continuations: number;
}

/** The database as a power cut leaves it: its runs by their `runId`. */
function booksOf(disk: Disk) {
  return afterPowerCut(disk, (all) => {
    expect(integrity(all)).toEqual(["ok"]);
    const runs = all("SELECT runId, serverId, epoch, continuations FROM runs");
    const completed = all("SELECT runId FROM completions JOIN runs ON run = position");
    return {
      runs: new Map(runs.map((row) => [String(row.runId), row as unknown as RunBook])),
      completed: completed.map(({ runId }) => String(runId)),
    };
  });
}

const write = (name: string) => `@tool write ${JSON.stringify({ path: name, content: "once\n" })}`;

/** Two servers: the second takes over what the first has begun. */
async function takeOver(livesOn: boolean) {
  const first = new RecordedServer(livesOn ? { runner: withForeignProc } : {});
  const { root, dataDir } = first;
  const path = join(root, "workspace");
  mkdirSync(path);
  const opened = { path, permissionMode: "allow" as const, initAgent: true };
  await first.call("initialize", { clientId: "c" });
  const workspaceId = (await first.call("createWorkspace", opened)).id;
  const sessionId = (await first.call("createSession", { workspaceId })).id;
  const ids = { workspaceId, sessionId, options };
  const prompt = `${write("one.txt")}\n@wait 2500\n${write("two.txt")}\n@say done`;
  await first.call("sendMessage", { ...ids, runId: "turn", prompt });
  await first.call("sendMessage", { ...ids, runId: "queued", prompt: "@say next" });
  await first.until((told) => JSON.stringify(told).includes('"output":"Created one.txt'));
  if (livesOn) {
    process.kill(first.pid, "SIGSTOP");
    // Somebody cleans up, and the process is not seen from where the next server runs.
    rmSync(join(dataDir, locksFolder), { recursive: true });
  }
  const recordings = livesOn ? [] : [await first.end()];
  const second = new RecordedServer({ root });
  await second.call("initialize", { clientId: "c" });
  await second.call("createWorkspace", opened);
  await second.until(({ params }) => params?.sessionId === sessionId);
  if (livesOn) process.kill(first.pid, "SIGCONT");
  await second.completed("turn");
  await second.completed("queued");
  if (livesOn) {
    // It has seen that it has lost the session, and tells how the run has ended elsewhere.
    const known = await first.call("waitRun", { workspaceId, runId: "turn", timeoutMs: 60_000 });
    expect(known).toMatchObject({ status: "succeeded", continuations: 1 });
    recordings.push(await first.end());
  }
  recordings.push(await second.end());
  return { path, opened, moments: momentsOf(recordings, first) };
}

/** Checks what must hold at each moment, and returns the first disk on which the adoption was told. */
function checkMoments(moments: readonly Moment[], random: SeededRandom): Disk {
  const lines = [new ToldLines(), new ToldLines()];
  const told = new Set<string>();
  const epochs = new Map<string, number>();
  let owner: string | undefined;
  let adopted: Disk | undefined;
  let seen: { readonly changes: number; readonly books: ReturnType<typeof booksOf>[] } | undefined;
  for (const moment of moments) {
    for (const { method, params } of lines[moment.by]?.add(moment.told ?? "") ?? []) {
      if (method === "runComplete") told.add(String(params?.runId));
      if (moment.by === next && params?.sessionId !== undefined) adopted ??= moment.disk;
    }
    if (seen?.changes !== moment.changes) {
      const some = moment.diskWith(() => random.chance(0.5));
      seen = { changes: moment.changes, books: [booksOf(moment.disk), booksOf(some)] };
    }
    owner ??= seen.books[0]?.runs.get("turn")?.serverId;
    for (const { runs, completed } of seen.books) {
      expect([...told].filter((runId) => !completed.includes(runId))).toEqual([]);
      expect(new Set(completed).size, "one completion a run").toBe(completed.length);
      for (const [runId, { epoch, serverId, continuations }] of runs) {
        const least = epochs.get(runId) ?? 0;
        expect(epoch, `the epoch of ${runId} never goes back`).toBeGreaterThanOrEqual(least);
        if (adopted === undefined) continue;
        expect({ epoch, continuations }, `${runId} was taken over`).toEqual({
          epoch: 1,
          continuations: 1,
        });
        expect(serverId, `${runId} is not the lost server's any more`).not.toBe(owner);
      }
    }
    for (const [runId, { epoch }] of seen.books[0]?.runs ?? []) epochs.set(runId, epoch);
  }
  expect([...epochs]).toEqual([
    ["turn", 1],
    ["queued", 1],
  ]);
  if (adopted === undefined) throw new Error("the next server has told nothing of the session");
  return adopted;
}

const lives = unless(
  it,
  !canRecord || !canRun(withForeignProc),
  "system calls cannot be recorded here (strace), or there is no right to make namespaces",
);
const killed = unless(it, !canRecord, "system calls cannot be recorded here (strace)");

describe("a power cut while the next server takes over", () => {
  const play = async (livesOn: boolean, seed: number) => {
    const { path, opened, moments } = await takeOver(livesOn);
    expect(new Set(moments.map(({ by }) => by))).toEqual(new Set([lost, next]));
    const disk = checkMoments(moments, new SeededRandom(seed));
    expect(readFileSync(join(path, "one.txt"), "utf8")).toBe("once\n");

    // A server on what is left goes on, and nothing runs again that had been done.
    for (const name of ["one.txt", "two.txt"]) rmSync(join(path, name));
    const dataDir = makeFolder();
    restore(disk, dataDir);
    const third = startServer({ dataDir });
    await third.call("initialize", { clientId: "c" });
    await third.call("createWorkspace", opened);
    for (const runId of ["turn", "queued"]) {
      expect(await third.completion(runId)).toMatchObject({
        status: "succeeded",
        continuations: 2,
      });
    }
    expect(existsSync(join(path, "one.txt"))).toBe(false);
    expect(existsSync(join(path, "two.txt"))).toBe(true);
  };

  killed.concurrent.each(histories(1, 20))("from one that was killed loses nothing (%i)", (seed) =>
    play(false, seed),
  );
  lives.concurrent.each(histories(1, 20))(
    "from one that lives gives nothing back to it (%i)",
    (seed) => play(true, seed),
  );
});
