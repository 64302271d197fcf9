// A server whose writes and fsyncs are recorded, with a client that waits for what it is told.
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { inject } from "vitest";
import { Database } from "../../src/storage/database.js";
import { makeFolder } from "../helpers/serverProcess.js";
import {
  type Disk,
  type Recording,
  recordedPid,
  recordingOf,
  restore,
  startRecorded,
} from "../helpers/syncedDisk.js";

/** One message of a server. */
export interface Told {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}

/** Where a server runs. */
export interface RecordedPlace {
  /** A folder with the data directory `data`, which several servers may share. */
  readonly root?: string;
  /** What starts it as its child. */
  readonly runner?: readonly string[];
}

/** A recorded server: its client sends requests, and waits for what it is told. */
export class RecordedServer {
  readonly root: string;
  readonly dataDir: string;
  readonly #trace = join(makeFolder(), "trace");
  readonly #hasRunner: boolean;
  readonly told: Told[] = [];
  #wake = () => {};
  #nextId = 1;
  readonly child;

  constructor({ root = makeFolder(), runner = [] }: RecordedPlace = {}) {
    this.root = root;
    this.dataDir = join(root, "data");
    this.#hasRunner = runner.length > 0;
    const args = [inject("serverScript"), "serve", "--data-dir", this.dataDir];
    const env = { PATH: process.env.PATH, HOME: root };
    this.child = startRecorded(this.#trace, args, env, runner);
    // A server that has ended takes no more.
    this.child.stdin.on("error", () => {});
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      this.told.push(JSON.parse(line));
      this.#wake();
    });
  }

  /** The number of its process. */
  get pid(): number {
    return recordedPid(this.#trace, this.#hasRunner);
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

  /** Kills it, and returns what was recorded. */
  async end(): Promise<Recording> {
    // What was told before it is recorded whole by then: a call that the kill cuts off is not.
    await this.call("ping", {});
    const recording = recordingOf(this.#trace, this.pid);
    process.kill(this.pid, "SIGKILL");
    await once(this.child, "close");
    return recording;
  }
}

/** Reads the database as a power cut leaves it. */
export function afterPowerCut<T>(disk: Disk, read: (all: (sql: string) => Row[]) => T): T {
  const folder = makeFolder();
  restore(disk, folder);
  const database = Database.open(join(folder, "turnwire.db"));
  try {
    return read((sql) => database.prepare(sql).all());
  } finally {
    database.close();
  }
}

type Row = Readonly<Record<string, unknown>>;

/** What SQLite finds wrong in a file; `["ok"]` if nothing is. */
export function integrity(all: (sql: string) => Row[]): unknown[] {
  return all("PRAGMA integrity_check").map((row) => Object.values(row)[0]);
}

/** The whole lines of what a server has written so far, each once. */
export class ToldLines {
  #rest = "";

  add(text: string): Told[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map((line) => JSON.parse(line));
  }
}
