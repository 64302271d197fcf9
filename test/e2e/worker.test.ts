// `turnwire worker` with a real nats-server: workers on data directories of their own, one of which is
// killed again and again.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isLong } from "../crash/longRun.js";
import { NatsServer, noNats } from "../helpers/natsServer.js";
import { makePromptQueue, promptsLeft, putPrompts } from "../helpers/promptQueue.js";
import { SeededRandom } from "../helpers/seededRandom.js";
import { unless } from "../helpers/unless.js";
import { WorkerProcess } from "../helpers/workerProcess.js";

const completions = "TURNWIRE";

unless(
  describe,
  noNats !== undefined,
  noNats ?? "",
)("turnwire worker", () => {
  let nats: NatsServer;
  let root: string;
  let workers: WorkerProcess[];
  beforeEach(async () => {
    nats = await NatsServer.start();
    root = mkdtempSync(join(tmpdir(), "turnwire-worker-"));
    mkdirSync(join(root, "project"));
    workers = [];
    await makePromptQueue(nats);
  });
  afterEach(async () => {
    for (const worker of workers) await worker.kill();
    await nats.remove();
    rmSync(root, { recursive: true, force: true });
  });

  const publish = (messages: readonly (object | string)[]) => putPrompts(nats, messages);
  const prompt = (runId: string, more: object = {}) => ({
    runId,
    workspace: "project",
    prompt: `@say ${runId}`,
    ...more,
  });
  const start = (name: string, ...more: string[]) => {
    const worker = new WorkerProcess({ root, name, url: nats.url, more });
    workers.push(worker);
    return worker;
  };
  const left = () => promptsLeft(nats);
  async function untilDone(seconds = 90): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while ((await left()) > 0) {
      if (Date.now() > deadline) throw new Error(`${await left()} left; ${workers[0]?.output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it("runs prompts, lets go of each when its completion is stored, and refuses what none can run", async () => {
    const worker = start("a", "--permission-mode", "plan", "--max-concurrent", "1");
    // There is no stream for what becomes of prompts: it may begin with a refusal.
    await publish(["{"]);
    await untilDone();
    expect(await nats.messages(completions)).toHaveLength(1);
    await publish([
      prompt("r1"),
      prompt("r2", { session: "mine", options: { limits: { steps: 3 } } }),
      prompt("r3", { session: "mine" }),
      prompt("r2", { session: "mine", prompt: "another" }),
      prompt("r4", { workspace: "elsewhere" }),
      prompt("r5", { options: { permissionMode: "allow" } }),
      prompt("r6", { options: { permissionMode: "deny" } }),
      prompt("r7", { trusted: true }),
      prompt("r8", { options: { outputSchema: { type: 3 } } }),
      prompt("r9", { options: { permisionMode: "deny" } }),
      prompt("r10", { options: { tools: { dney: ["bash"] } } }),
      prompt("r11", { options: { limits: { step: 1 } } }),
      "[]",
    ]);
    await untilDone();
    const events = (await nats.messages(completions)).map(({ event, subject }) => ({
      ...event,
      subject,
    }));
    const ended = events.filter(({ type }) => type === "dev.turnwire.run.completed.v1");
    expect(ended.map(({ data }) => [data.runId, data.status, data.text]).toSorted()).toEqual([
      ["r1", "succeeded", "r1"],
      ["r2", "succeeded", "r2"],
      ["r3", "succeeded", "r3"],
      ["r6", "succeeded", "r6"],
    ]);
    expect(ended.find(({ data }) => data.runId === "r1").subject).toMatch(/\.ws_\w+\.completed$/);
    expect(ended.find(({ data }) => data.runId === "r1").data.sessionId).toBe("w-r1");
    const refused = events.filter(({ type }) => type === "dev.turnwire.run.refused.v1");
    const reasons = new Map(refused.map(({ data }) => [data.runId ?? data.reason, data.reason]));
    expect(Object.fromEntries(reasons)).toEqual({
      r2: expect.stringMatching(/accepted before with another/),
      r4: 'workspace: this worker has no "elsewhere"',
      r5: "options.permissionMode: this worker allows plan at most",
      r7: expect.stringMatching(/trusted/),
      r8: expect.stringMatching(/outputSchema/),
      r9: expect.stringMatching(/permisionMode/),
      r10: expect.stringMatching(/dney/),
      r11: expect.stringMatching(/step/),
      "the message is not JSON": "the message is not JSON",
      "the message: Invalid input: expected object, received array": expect.anything(),
    });
    expect(refused[0].id).toMatch(/^refused-TURNWIRE_PROMPTS-1-\d+$/);
    expect(await worker.end()).toBe(0);
  });

  it("ends at a signal while nobody lets it in, as it does while it has nothing to do", async () => {
    await nats.stop();
    const away = start("a");
    await away.says("cannot be opened yet");
    expect(await away.end()).toBe(0);
    await nats.begin();
    const idle = start("b");
    await idle.ready;
    expect(await idle.end()).toBe(0);
  });

  it("keeps a prompt in the queue while its completion cannot be carried", async () => {
    await nats.manage(({ streams }) =>
      streams.add({
        name: completions,
        subjects: ["turnwire.*.*.completed"],
        max_msgs: 1,
        discard: "new" as never,
      }),
    );
    // None gets the other's, however long that waits: it says again and again that it is at work.
    start("a");
    start("b");
    await publish([prompt("r1"), prompt("r2")]);
    while ((await left()) > 1) await new Promise((resolve) => setTimeout(resolve, 50));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await left()).toBe(1);
    const first = await nats.messages(completions);
    await nats.manage(({ streams }) => streams.purge(completions));
    await untilDone();
    const runs = [...first, ...(await nats.messages(completions))].map(
      ({ event }) => event.data.runId,
    );
    expect(runs.toSorted()).toEqual(["r1", "r2"]);
  });

  const count = isLong ? 2000 : 60;
  it(`loses none of ${count} prompts while one of three workers is killed again and again`, {
    timeout: isLong ? 1_800_000 : 180_000,
  }, async () => {
    const runIds = Array.from({ length: count }, (_, index) => `r${index}`);
    const random = new SeededRandom(1);
    await publish(runIds.map((runId) => prompt(runId, { prompt: `@wait 30\n@say ${runId}` })));
    let isDone = false;
    let kills = 0;
    const killOne = async (mostMs: number) => {
      const worker = start("a");
      await worker.ready;
      await new Promise((resolve) => setTimeout(resolve, random.between(0, mostMs)));
      if (isDone) return;
      await worker.kill();
      kills++;
    };
    // The first is alone, and so is killed before all is done, however fast the machine is.
    await killOne(300);
    start("b");
    start("c");
    const killing = (async () => {
      while (!isDone) await killOne(1500);
    })();
    await untilDone(isLong ? 1700 : 170);
    isDone = true;
    await killing;
    const events = (await nats.messages(completions)).map(({ event }) => event);
    const byRun = new Map<string, { data: { status: string }; source: string }[]>();
    for (const event of events) {
      byRun.set(event.turnwirerunid, [...(byRun.get(event.turnwirerunid) ?? []), event]);
    }
    expect([...byRun.keys()].toSorted()).toEqual(runIds.toSorted());
    const machines = (of: { source: string }[]) =>
      new Set(of.map(({ source }) => source.split("/")[2]));
    const twice = [...byRun.values()].filter((of) => machines(of).size > 1).length;
    const firsts = [...byRun.values()].map(([first]) => first?.data.status);
    const interrupted = firsts.filter((status) => status === "interrupted").length;
    console.log(
      `worker: ${count} prompts, ${kills} kills, ${events.length} completions, ${twice} begun on two machines, ${interrupted} interrupted first`,
    );
    expect(kills).toBeGreaterThan(0);
    // One machine never tells two ends of a run.
    for (const of of byRun.values()) {
      const ids = new Set(
        of.map(
          ({ source, data }) =>
            `${source} ${(data as never as { completionId: string }).completionId}`,
        ),
      );
      expect(ids.size).toBe(machines(of).size);
    }
  });
});
