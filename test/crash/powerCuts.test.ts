// What is promised is on the disk: at each thing that a server tells, a power cut would take every write
// that was not fsynced, and the books must be right all the same.
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, inject, it } from "vitest";
import { Database } from "../../src/storage/database.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import {
  canRecord,
  type Disk,
  momentsOf,
  recordedPid,
  restore,
  startRecorded,
  threadsOf,
} from "../helpers/syncedDisk.js";
import { unless } from "../helpers/unless.js";
import { histories } from "./longRun.js";

afterAll(() => endServers());

const options = { onServerLoss: "continue" } as const;

interface Told {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}

/** A recorded server: its client sends requests, and waits for what it is told. */
class Recorded {
  readonly root = makeFolder();
  readonly dataDir = join(this.root, "data");
  readonly workspace = join(this.root, "workspace");
  readonly #trace = join(this.root, "trace");
  readonly told: Told[] = [];
  #wake = () => {};
  #nextId = 1;
  readonly child = startRecorded(
    this.#trace,
    [inject("serverScript"), "serve", "--data-dir", this.dataDir],
    { PATH: process.env.PATH, HOME: this.root },
  );

  constructor() {
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      this.told.push(JSON.parse(line));
      this.#wake();
    });
  }

  async until(matches: (told: Told) => boolean): Promise<Told> {
    for (;;) {
      const found = this.told.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async call(method: string, params: object): Promise<Record<string, unknown>> {
    const id = this.#nextId++;
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    const { result } = await this.until((told) => told.id === id && told.method === undefined);
    if (result === undefined) throw new Error(`${method} was refused`);
    return result;
  }

  /** The id of the last request. */
  get lastId(): number {
    return this.#nextId - 1;
  }

  completed(runId: string): Promise<Told> {
    return this.until(({ method, params }) => method === "runComplete" && params?.runId === runId);
  }

  /** Kills it, and returns what happened. */
  async end() {
    const threads = threadsOf(this.#trace);
    process.kill(recordedPid(this.#trace), "SIGKILL");
    await once(this.child, "close");
    return momentsOf(this.#trace, threads, this);
  }
}

/** The database as a power cut leaves it. */
function booksOf(disk: Disk) {
  const folder = makeFolder();
  restore(disk, folder);
  const database = Database.open(join(folder, "turnwire.db"));
  const all = (sql: string) => database.prepare(sql).all();
  const books = {
    integrity: all("PRAGMA integrity_check").map((row) => Object.values(row)[0]),
    runs: new Set<unknown>(all("SELECT runId FROM runs").map(({ runId }) => runId)),
    completed: new Set<unknown>(
      all("SELECT runId FROM completions JOIN runs ON run = position").map(({ runId }) => runId),
    ),
    paused: all("SELECT 1 FROM sessions WHERE queuePaused = 1").length > 0,
    begun: all("SELECT parts FROM messages").some(({ parts }) =>
      /"state":"(running|completed)"/.test(String(parts)),
    ),
  };
  database.close();
  return books;
}

const write = (name: string) =>
  `@tool write ${JSON.stringify({ path: name, content: "once\n" })}\n@say done`;

unless(
  describe,
  !canRecord,
  "system calls cannot be recorded here (strace)",
)("a power cut at each thing that is promised", () => {
  it.each(histories(1, 20))("loses nothing of it (%i)", async () => {
    const server = new Recorded();
    const { workspace: path } = server;
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
    const moments = await server.end();

    const promised = { runs: new Set<unknown>(), completed: new Set<unknown>() };
    let isPaused = false;
    let marked: Disk | undefined;
    const told = server.told.values();
    let rest = "";
    for (const moment of moments) {
      if (moment.touched?.includes("effect.txt")) {
        expect(booksOf(moment.disk)).toMatchObject({ begun: true, integrity: ["ok"] });
        marked ??= moment.disk;
      }
      rest += moment.told ?? "";
      let isNew = false;
      for (; rest.includes("\n"); rest = rest.slice(rest.indexOf("\n") + 1)) {
        const { value } = told.next();
        const { id, result, method, params } = value ?? {};
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
