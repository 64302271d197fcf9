// What it costs never to lose a completion, over the built server and real pipes: runs a second
// against bare commits, and a backlog's first delivery, memory and `ping`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { ServerChild } from "../../test/helpers/serverChild.js";
import {
  type BenchContext,
  interleaved,
  median,
  percentile,
  type Row,
  type Suite,
} from "../measure.js";

const main = "dist/main.js";
const rounds = 7;
const sessions = 8;
const clientId = "bench";
const everyEvent = ["messageCreated", "messageDelta", "messageUpdated", "sessionUpdated"];

export const delivery: Suite = {
  name: "delivery",
  async run(context) {
    const largest = context.isQuick ? 10_000 : 100_000;
    const folder = context.makeFolder();
    const few = await measureBacklog(join(folder, "few"), 10);
    const some = await measureBacklog(join(folder, "some"), 1_000);
    const many = await measureBacklog(join(folder, "many"), largest);
    const slow = await measureSlowReader(join(folder, "many"), largest / 10);
    return {
      rows: [
        ...(await throughput(context)),
        ...rowsOf(some, few, 1_000),
        ...rowsOf(many, few, largest),
        ...pingRows(many, largest),
        row(`peak memory, ${largest / 10} to a slow reader`, "MB", slow, few.map(peak), more(100)),
      ],
    };
  },
};

function row(
  what: string,
  unit: Row["unit"],
  ours: readonly number[],
  floor: readonly number[],
  rule: Row["rule"],
): Row {
  return { suite: "delivery", what, unit, ours: median(ours), floor: median(floor), rule };
}

const more = (limit: number): Row["rule"] => ({ kind: "moreAtMost", limit });
const peak = (one: Streamed) => one.peakMemory;

/** Against a backlog of ten, in the same run. */
function rowsOf(ours: readonly Streamed[], few: readonly Streamed[], backlog: number): Row[] {
  const first = (one: Streamed) => one.firstMs;
  const perSecond = ours.map(({ allMs }) => (backlog * 1000) / allMs);
  return [
    row(`first of ${backlog} redelivered`, "ms", ours.map(first), few.map(first), more(250)),
    row(`peak memory, ${backlog} redelivered`, "MB", ours.map(peak), few.map(peak), more(100)),
    {
      suite: "delivery",
      what: `redelivered, of ${backlog}`,
      unit: "/s",
      ours: median(perSecond),
      rule: { kind: "told" },
    },
  ];
}

/** Against the same server before it has anything to send. */
function pingRows(streamed: readonly Streamed[], backlog: number): Row[] {
  return [50, 99].map((p) =>
    row(
      `ping p${p} while ${backlog} stream`,
      "ms",
      streamed.map(({ pings }) => percentile(pings, p)),
      streamed.map(({ idlePings }) => percentile(idlePings, p)),
      more(p === 50 ? 5 : 50),
    ),
  );
}

/** Runs from `sendMessage` to the acknowledged completion, against as many bare commits. */
async function throughput(context: BenchContext): Promise<Row[]> {
  const count = context.isQuick ? 100 : 400;
  const folder = context.makeFolder();
  const server = await Workload.start(folder);
  await server.round(sessions);
  const accepting: number[] = [];
  let bare = 0;
  const all = await interleaved(
    rounds,
    async () => bareCommits(join(folder, `bare-${bare++}`), 2 * count),
    async () => {
      const { acceptedAfter, doneAfter } = await server.round(count);
      accepting.push(acceptedAfter);
      return doneAfter;
    },
  );
  await server.end();
  const perSecond = (samples: readonly number[]) => samples.map((ms) => (count * 1000) / ms);
  const told: Row["rule"] = { kind: "told" };
  const note = "floor: two FULL commits a run and nothing else";
  return [
    { ...row("accepted", "/s", perSecond(accepting), perSecond(all.floor), told), note },
    { ...row("completed", "/s", perSecond(all.ours), perSecond(all.floor), told), note },
  ];
}

/** A server that is given runs on several sessions, and a client that acknowledges. */
class Workload {
  readonly #server: ServerChild;
  #workspaceId: unknown;
  readonly #sessionIds: unknown[] = [];
  #sent = 0;
  #heard: () => void = () => {};

  private constructor(folder: string) {
    this.#server = new ServerChild({
      main,
      dataDir: join(folder, "data"),
      onNotice: ({ method, params }) => {
        if (method !== "runComplete") return;
        this.#server.notify("acknowledge", { completionIds: [params.completionId] });
        this.#heard();
      },
    });
  }

  static async start(folder: string): Promise<Workload> {
    const workload = new Workload(folder);
    const server = workload.#server;
    await server.request("initialize", { clientId, optOutNotifications: everyEvent });
    const workspace = await server.request("createWorkspace", { path: folder, initAgent: true });
    workload.#workspaceId = workspace.id;
    for (let index = 0; index < sessions; index++) {
      const session = await server.request("createSession", { workspaceId: workspace.id });
      workload.#sessionIds.push(session.id);
    }
    return workload;
  }

  /** Sends so many runs at once; tells when all were accepted, and when all were completed. */
  async round(count: number): Promise<{ acceptedAfter: number; doneAfter: number }> {
    let left = count;
    const done = new Promise<void>((resolve) => {
      this.#heard = () => {
        if (--left === 0) resolve();
      };
    });
    const from = performance.now();
    const accepted = Array.from({ length: count }, (_, index) =>
      this.#server.request("sendMessage", {
        workspaceId: this.#workspaceId,
        sessionId: this.#sessionIds[index % sessions],
        runId: `run-${this.#sent++}`,
        prompt: "@say done",
      }),
    );
    await Promise.all(accepted);
    const acceptedAfter = performance.now() - from;
    await done;
    return { acceptedAfter, doneAfter: performance.now() - from };
  }

  async end(): Promise<void> {
    await this.#server.end();
  }
}

/** As many rows as the server must commit, one durable commit each, and nothing else. */
function bareCommits(file: string, count: number): number {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE rows (position INTEGER PRIMARY KEY, body TEXT)");
  const insert = database.prepare("INSERT INTO rows (body) VALUES (?)");
  const body = "x".repeat(400);
  const from = performance.now();
  for (let row = 0; row < count; row++) insert.run(body);
  const took = performance.now() - from;
  database.close();
  return took;
}

/** A data directory with so many unacknowledged completions. */
async function fill(dataDir: string, backlog: number): Promise<void> {
  await new ServerChild({ main, dataDir }).end();
  const database = new DatabaseSync(join(dataDir, "turnwire.db"));
  database.exec("BEGIN");
  const insertRun = database.prepare(
    `INSERT INTO runs (workspaceId, sessionId, runId, clientId, serverId, kind, promptHash, state, acceptedAt)
     VALUES ('ws', 'ses', ?, ?, 'gone', 'prompt', 'hash', 'completed', 0)`,
  );
  const insertCompletion = database.prepare(
    `INSERT INTO completions (completionId, run, clientId, serverId, workspaceId, sessionId, body)
     VALUES (?, ?, ?, 'gone', 'ws', 'ses', ?)`,
  );
  for (let index = 0; index < backlog; index++) {
    const run = insertRun.run(`run-${index}`, clientId).lastInsertRowid;
    const completionId = `cmp-${index}`;
    insertCompletion.run(completionId, run, clientId, bodyOf(completionId, index));
  }
  database.exec("COMMIT");
  database.close();
}

function bodyOf(completionId: string, index: number): string {
  return JSON.stringify({
    completionId,
    workspaceId: "ws",
    sessionId: "ses",
    runId: `run-${index}`,
    text: "What a model says at the end. ".repeat(10),
    status: "succeeded",
    cancelled: false,
    foldedPrompts: 0,
    completedAt: "2026-01-01T00:00:00.000Z",
  });
}

interface Streamed {
  readonly firstMs: number;
  readonly allMs: number;
  readonly pings: number[];
  readonly idlePings: number[];
  readonly peakMemory: number;
}

async function measureBacklog(dataDir: string, backlog: number): Promise<Streamed[]> {
  await fill(dataDir, backlog);
  const streamed: Streamed[] = [];
  for (let round = 0; round < rounds; round++) {
    streamed.push(await stream(dataDir, backlog, () => {}));
  }
  return streamed;
}

/** A client that looks at its pipe for 2 ms in every 20. */
async function measureSlowReader(dataDir: string, wanted: number): Promise<number[]> {
  const peaks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { peakMemory } = await stream(dataDir, wanted, (server) => {
      server.pause();
      setTimeout(() => server.resume(), 18);
    });
    peaks.push(peakMemory);
  }
  return peaks;
}

/** Starts a server, receives `wanted` completions, and watches it meanwhile. */
async function stream(
  dataDir: string,
  wanted: number,
  everyTwentyMs: (server: ServerChild) => void,
): Promise<Streamed> {
  let received = 0;
  let firstAt = 0;
  let finish: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const server = new ServerChild({
    main,
    dataDir,
    onNotice: ({ method }) => {
      if (method !== "runComplete") return;
      firstAt ||= performance.now();
      if (++received === wanted) finish();
    },
  });
  await server.request("ping");
  const idlePings: number[] = [];
  for (let count = 0; count < 200; count++) idlePings.push(await timedPing(server));
  const from = performance.now();
  await server.request("initialize", { clientId });
  const slow = setInterval(() => everyTwentyMs(server), 20);
  const pings: number[] = [];
  const pinging = (async () => {
    while (received < wanted) pings.push(await timedPing(server));
  })();
  await all;
  const allMs = performance.now() - from;
  clearInterval(slow);
  server.resume();
  await pinging;
  const peakMemory = peakMemoryOf(server.pid);
  await server.kill();
  return { firstMs: firstAt - from, allMs, pings, idlePings, peakMemory };
}

async function timedPing(server: ServerChild): Promise<number> {
  const from = performance.now();
  await server.request("ping");
  return performance.now() - from;
}

/** The most memory that a process has had, in MB, as Linux tells it; not a number elsewhere. */
function peakMemoryOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return (Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024) / 1e6;
  } catch {
    return Number.NaN;
  }
}
