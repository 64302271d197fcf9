// What a relay costs that has a long way to go: how fast it carries a backlog to NATS JetStream, beside a
// publisher that does nothing else, and how much memory that takes beside a short one.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import { Database } from "../../src/storage/database.js";
import { NatsServer, noNats } from "../../test/helpers/natsServer.js";
import type { BenchContext, Findings, Suite } from "../measure.js";

export const relay: Suite = { name: "relay", run };

const main = "dist/main.js";
const few = 1000;
/** How many the bare publisher has under way, as many as a relay. */
const underWay = 100;
const text = "The answer of a turn, of the length of a paragraph. ".repeat(10);

async function run(context: BenchContext): Promise<Findings> {
  if (noNats !== undefined) {
    context.say(`  left out: ${noNats}`);
    return { rows: [] };
  }
  const many = context.isQuick ? 10_000 : 100_000;
  const nats = await NatsServer.start();
  try {
    const short = await carried(few, context, nats);
    const long = await carried(many, context, nats);
    const bare = await published(many, nats);
    const ours = (many - few) / ((long.ms - short.ms) / 1000);
    return {
      rows: [
        {
          suite: "relay",
          what: `completions carried to NATS JetStream, of ${many}`,
          unit: "/s",
          ours,
          floor: bare,
          rule: { kind: "ratioAtLeast", limit: 0.2 },
          note: "beside a bare publisher with as many under way",
        },
        {
          suite: "relay",
          what: `memory of a relay, at most, with ${many} behind`,
          unit: "MB",
          ours: long.megabytes,
          floor: short.megabytes,
          rule: { kind: "moreAtMost", limit: 80 },
          note: `beside one with ${few} behind`,
        },
      ],
    };
  } finally {
    await nats.remove();
  }
}

/** Carries so many, by a process of its own. */
async function carried(count: number, context: BenchContext, nats: NatsServer) {
  const dataDir = context.makeFolder();
  fill(dataDir, count);
  const place = [
    "--nats",
    nats.url,
    "--stream",
    `CARRIED${count}`,
    "--once",
    "--log-level",
    "error",
  ];
  const began = performance.now();
  const child = spawn(process.execPath, [main, "relay", "run", "--data-dir", dataDir, ...place], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  let kilobytes = 0;
  const look = setInterval(() => {
    try {
      const told = readFileSync(`/proc/${child.pid}/status`, "utf8");
      kilobytes = Number(/VmHWM:\s*(\d+)/.exec(told)?.[1] ?? kilobytes);
    } catch {
      // It has just ended, or this is no Linux.
    }
  }, 20);
  const code = await new Promise((resolve) => child.once("close", resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`the relay has ended with ${code}`);
  const ms = performance.now() - began;
  await nats.manage(({ streams }) => streams.delete(`CARRIED${count}`));
  return { ms, megabytes: kilobytes / 1000 };
}

/** How many a second a publisher stores that has nothing else to do. */
async function published(count: number, nats: NatsServer): Promise<number> {
  return nats.manage(async ({ streams }, connection) => {
    await streams.add({ name: "BARE", subjects: ["bare"] });
    const client = jetstream(connection);
    const began = performance.now();
    for (let sent = 0; sent < count; sent += underWay) {
      const all = Array.from({ length: underWay }, (_, index) =>
        client.publish("bare", bodyOf(sent + index), { msgID: `cmp_${sent + index}` }),
      );
      await Promise.all(all);
    }
    return count / ((performance.now() - began) / 1000);
  });
}

function bodyOf(index: number): string {
  return JSON.stringify({
    completionId: `cmp_${index}`,
    workspaceId: "ws_1",
    sessionId: "ses_1",
    runId: `run-${index}`,
    text,
    status: "succeeded",
    cancelled: false,
    foldedPrompts: 0,
    completedAt: "2026-01-01T00:00:00.000Z",
  });
}

function fill(dataDir: string, count: number): void {
  const database = Database.open(join(dataDir, "turnwire.db"));
  database.write(() => {
    const insert = database.prepare(
      `INSERT INTO completions (completionId, run, clientId, serverId, workspaceId, sessionId, body)
       VALUES (?, ?, 'client', 'srv', 'ws_1', 'ses_1', ?)`,
    );
    for (let index = 0; index < count; index++) {
      insert.run(`cmp_${index}`, index + 1, bodyOf(index));
    }
  });
  database.close();
}
