// docs/fleet.md: a worker that is stopped by a signal and woken again.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { NatsServer, noNats, type StoredMessage } from "../helpers/natsServer.js";
import { makePromptQueue, promptsLeft, putPrompts } from "../helpers/promptQueue.js";
import { SeededRandom } from "../helpers/seededRandom.js";
import { unless } from "../helpers/unless.js";
import { WorkerProcess } from "../helpers/workerProcess.js";

let nats: NatsServer;
let root: string;
const workers: WorkerProcess[] = [];
beforeAll(async () => {
  if (noNats !== undefined) return;
  nats = await NatsServer.start();
  root = mkdtempSync(join(tmpdir(), "turnwire-stopped-"));
  mkdirSync(join(root, "project"));
  await makePromptQueue(nats);
}, 120_000);
afterAll(async () => {
  for (const worker of workers) await worker.kill();
  await nats?.remove();
  if (root !== undefined) rmSync(root, { recursive: true, force: true });
});

const withNats = unless(it, noNats !== undefined, noNats ?? "");
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function start(name: string): Promise<WorkerProcess> {
  const worker = new WorkerProcess({ root, name, url: nats.url, more: ["--max-concurrent", "2"] });
  workers.push(worker);
  await worker.ready;
  return worker;
}

const put = (runIds: readonly string[], script: string) =>
  putPrompts(
    nats,
    runIds.map((runId) => ({ runId, workspace: "project", prompt: `${script}\n@say ${runId}` })),
  );
const left = () => promptsLeft(nats);

/** The completions of these runs, in the order of the stream. */
async function ends(prefix: string): Promise<StoredMessage[]> {
  const all = await nats.messages("TURNWIRE").catch(() => []);
  return all.filter(({ event }) => String(event.turnwirerunid).startsWith(prefix));
}

/** In the order of each machine, each once, and no machine tells two ends of a run. */
function expectOrder(messages: readonly StoredMessage[]): void {
  const last = new Map<string, string>();
  for (const { event } of messages) {
    const machine = `${event.source.split("/")[2]} ${event.turnwireepoch}`;
    expect(event.turnwiresequence > (last.get(machine) ?? "")).toBe(true);
    last.set(machine, event.turnwiresequence);
  }
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  const runs = messages.map(({ event }) => `${event.source} ${event.turnwirerunid}`);
  expect(new Set(runs).size).toBe(runs.length);
}

withNats(
  "a worker that is stopped for longer than its hold gives its prompt to another, and works on when it is woken",
  { timeout: 120_000 },
  async () => {
    const first = await start("first");
    await put(["a-1"], "@wait 1500");
    await expect.poll(left, { timeout: 20_000 }).toBe(1);
    await pause(500);
    first.signal("SIGSTOP");
    const second = await start("second");
    await expect.poll(() => ends("a-"), { timeout: 30_000 }).toHaveLength(1);
    const [winner] = await ends("a-");
    first.signal("SIGCONT");
    await expect.poll(() => ends("a-"), { timeout: 30_000 }).toHaveLength(2);
    expect(await left()).toBe(0);
    await put(
      Array.from({ length: 10 }, (_, n) => `a-${n + 2}`),
      "@wait 50",
    );
    await expect.poll(left, { timeout: 30_000 }).toBe(0);
    const all = await ends("a-");
    expectOrder(all);
    expect(all.find(({ event }) => event.turnwirerunid === "a-1")).toEqual(winner);
    expect(await first.end()).toBe(0);
    expect(await second.end()).toBe(0);
  },
);

withNats(
  "no prompt is lost, and no machine tells two ends, while workers are stopped and woken",
  { timeout: 180_000 },
  async () => {
    const random = new SeededRandom(15);
    const three = await Promise.all(["one", "two", "three"].map(start));
    const runIds = Array.from({ length: 40 }, (_, n) => `b-${n}`);
    await put(runIds, "@wait 200");
    while ((await left()) > 0) {
      const worker = random.pick(three);
      worker.signal("SIGSTOP");
      await pause(random.between(1200, 2500));
      worker.signal("SIGCONT");
      await pause(random.between(0, 400));
    }
    const codes = await Promise.all(three.map((worker) => worker.end()));
    expect(codes).toEqual([0, 0, 0]);
    const all = await ends("b-");
    expectOrder(all);
    expect(new Set(all.map(({ event }) => event.turnwirerunid))).toEqual(new Set(runIds));
    expect(all.every(({ event }) => event.data.status === "succeeded")).toBe(true);
  },
);
