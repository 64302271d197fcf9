// Resident memory of a daemon at rest: with fifty idle workspaces, and after many runs. The baseline is the
// same daemon with one workspace in which one turn has run; after many runs, that after the first thousand.
// A session has few turns, because with each the request becomes longer: what is asked is whether
// something stays of a run.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makePlace, Provider, type ServerPlace, startServer } from "../contestants.js";
import type { BenchContext, Findings, Row, Rule, Suite } from "../measure.js";

export const daemon: Suite = { name: "daemon", run };

const idleWorkspaces = 50;
/** How many runs are open at a time. */
const atOnce = 16;
/** After so many turns a lane goes on in another session. */
const turnsOfSession = 20;
/** How long the daemon has to give memory back, in milliseconds. */
const restMs = 20_000;

async function run(context: BenchContext): Promise<Findings> {
  const [firstRuns, runs] = context.isQuick ? [200, 1_000] : [1_000, 10_000];
  const provider = await Provider.start();
  const folder = context.makeFolder();
  const place = makePlace(folder, provider);
  const child = await start(place);
  const client = startServer(place, { isAttached: true });
  await client.greet();
  const session = await client.session();
  await session.turn("chunks 1 20");
  const floor = await residentMb(child);
  for (let index = 1; index < idleWorkspaces; index++) {
    const path = join(folder, `idle-${index}`);
    mkdirSync(path);
    await client.open(path);
  }
  const idle = await residentMb(child);
  const turns = async (all: number) => {
    const ofLane = async () => {
      for (let left = all / atOnce; left > 0; left -= turnsOfSession) {
        const one = await client.sessionIn(session.ids.workspaceId);
        for (let turn = 0; turn < Math.min(left, turnsOfSession); turn++)
          await one.turn("chunks 1 20");
      }
    };
    await Promise.all(Array.from({ length: atOnce }, ofLane));
  };
  await turns(firstRuns);
  const atOnceMb = await residentMb(child);
  await pause(restMs);
  const early = await residentMb(child);
  await turns(runs - firstRuns);
  await pause(restMs);
  const after = await residentMb(child);
  await client.end();
  child.kill("SIGTERM");
  await once(child, "exit");
  await provider.end();
  const rowOf = (what: string, ours: number, rule: Rule): Row => ({
    suite: "daemon",
    what,
    unit: "MB",
    rule,
    floor,
    ours,
    note: "floor: the daemon with one workspace, after one turn",
  });
  return {
    rows: [
      rowOf(`resident memory of a daemon with ${idleWorkspaces} idle workspaces`, idle, {
        kind: "ratioAtMost",
        limit: 1.5,
      }),
      rowOf(`resident memory of that daemon at once after ${firstRuns} runs`, atOnceMb, {
        kind: "told",
      }),
      {
        ...rowOf(`resident memory of that daemon at rest after ${runs} runs`, after, {
          kind: "ratioAtMost",
          limit: 1.2,
        }),
        floor: early,
        note: `floor: at rest after ${firstRuns} runs`,
      },
    ],
  };
}

async function start(place: ServerPlace): Promise<ChildProcess> {
  const args = ["bin/turnwire.js", "daemon", "--data-dir", place.dataDirectory];
  const child = spawn(process.execPath, [...args, "--log-level", "warn"], {
    stdio: "ignore",
    env: { PATH: process.env.PATH, ...place.env },
  });
  while (!existsSync(join(place.dataDirectory, "daemon.json"))) await pause(20);
  return child;
}

/** Once it is at rest. */
async function residentMb({ pid }: ChildProcess): Promise<number> {
  await pause(500);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
