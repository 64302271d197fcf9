// Workers that die at each point of a prompt's way, and what the others make of it.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { NatsServer, noNats } from "../helpers/natsServer.js";
import { makePromptQueue, promptsLeft, putPrompts } from "../helpers/promptQueue.js";
import { unless } from "../helpers/unless.js";
import { WorkerProcess } from "../helpers/workerProcess.js";

const points = [
  "accepted",
  "turnBegun",
  "finishing",
  "committed",
  "relaying",
  "relayed",
  "relayMoved",
];

let build: TestBuild;
let nats: NatsServer;
let root: string;
const workers: WorkerProcess[] = [];
beforeAll(async () => {
  if (noNats !== undefined) return;
  build = buildServer({ faultPoints: true });
  nats = await NatsServer.start();
  root = mkdtempSync(join(tmpdir(), "turnwire-worker-"));
  mkdirSync(join(root, "project"));
  await makePromptQueue(nats);
});
afterAll(async () => {
  for (const worker of workers) await worker.kill();
  await nats?.remove();
  build?.remove();
  if (root !== undefined) rmSync(root, { recursive: true, force: true });
});

function start(name: string, fault?: string): WorkerProcess {
  const env: Record<string, string> = fault === undefined ? {} : { TURNWIRE_FAULT_POINT: fault };
  const more = ["--max-concurrent", "1"];
  const worker = new WorkerProcess({ root, name, url: nats.url, main: build.main, env, more });
  workers.push(worker);
  return worker;
}

unless(
  it,
  noNats !== undefined,
  noNats ?? "",
)("no prompt is lost wherever its worker dies, and no machine tells two ends of one", async () => {
  const runIds = Array.from({ length: points.length * 2 }, (_, index) => `r${index}`);
  await putPrompts(
    nats,
    runIds.map((runId) => ({ runId, workspace: "project", prompt: `@say ${runId}` })),
  );
  // Each takes a prompt and dies of it. None is left to take them all before.
  await Promise.all(points.map((point) => start(point, point).gone));
  for (const point of points) start(point);
  while ((await promptsLeft(nats)) > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  const events = (await nats.messages("TURNWIRE")).map(({ event }) => event);
  expect([...new Set(events.map(({ turnwirerunid }) => turnwirerunid))].toSorted()).toEqual(
    runIds.toSorted(),
  );
  const ends = new Map<string, string>();
  for (const { id, source, turnwirerunid } of events) {
    const run = `${source} ${turnwirerunid}`;
    expect(ends.get(run) ?? id).toBe(id);
    ends.set(run, id);
  }
});
