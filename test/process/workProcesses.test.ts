import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { ChildNotStarted } from "../../src/base/childStart.js";
import { systemClock } from "../../src/base/clock.js";
import { WorkProcesses } from "../../src/process/workProcesses.js";
import { ManualClock } from "../helpers/manualClock.js";
import { pretendNodeAt } from "../helpers/nodePath.js";
import { notOnLinux, onWindows, unless } from "../helpers/unless.js";
import { workChildrenOf } from "../helpers/workChildren.js";

function program(code: string): URL {
  const whole = `import { parentPort, workerData } from "node:worker_threads";\n${code}`;
  return new URL(`data:text/javascript,${encodeURIComponent(whole)}`);
}

const endless = program("for (;;);");
const echo = program("parentPort.postMessage({ got: workerData, env: { ...process.env } });");
const limits = { input: undefined, limitMs: 60_000, limitMb: 64 };
const { signal } = new AbortController();
const children = () => workChildrenOf(process.pid);

describe("a piece of work", () => {
  test("gives what its program posts, and has nothing of the environment", async () => {
    const work = new WorkProcesses(systemClock);
    const task = { ...limits, program: echo, input: { html: "<p>" } };
    expect(await work.run(task, signal)).toEqual({
      kind: "done",
      result: { got: { html: "<p>" }, env: {} },
    });
  });

  test("that never ends is ended by its time, and holds nobody up", async () => {
    const clock = new ManualClock();
    const outcome = new WorkProcesses(clock).run({ ...limits, program: endless }, signal);
    await setImmediate();
    clock.advance(limits.limitMs);
    expect(await outcome).toEqual({ kind: "exceeded", limit: "time" });
  });

  test.each([
    ["small arrays", "all.push(new Array(1000).fill({}));"],
    ["objects", "all.push({ a: { b: [n] } });"],
    ["texts", "all.push(String(n).padEnd(1000, 'y').toLowerCase());"],
    ["an array that doubles", "all[0] = (all[0] ?? [n]).concat(all[0] ?? [n]);"],
    ["an array that is pushed to", "for (;;) all.push(1.5);"],
    ["a map", "const map = new Map(); for (let key = 0; ; key++) map.set(key, { key });"],
    ["a text that is split", "all.push('a,'.repeat(1e7).split(','));"],
    ["parsed JSON", "all.push(JSON.parse('[' + '[],'.repeat(5e6) + '[]]'));"],
    ["matches of a pattern", "all.push('a '.repeat(5e6).match(/a/g));"],
    ["typed arrays", "all.push(new Uint8Array(8e6).fill(1));"],
    ["many small typed arrays", "all.push(new Float64Array(5e4).fill(1));"],
    ["bytes of Node", "all.push(Buffer.alloc(8e6, 1));"],
    ["bytes that grow", "all[0] = new Uint8Array((all[0]?.length ?? 4e6) * 2).fill(1);"],
  ])("that takes all memory, as %s, is ended by that, and alone", async (_, take) => {
    const greedy = program(`const all = []; for (let n = 0; n < 1e8; n++) { ${take} }`);
    let most = 0;
    const looking = setInterval(() => {
      for (const { residentBytes } of children()) most = Math.max(most, residentBytes);
    }, 20);
    const work = new WorkProcesses(systemClock);
    const outcome = await work.run({ ...limits, program: greedy }, signal);
    clearInterval(looking);
    expect(outcome).toEqual({ kind: "exceeded", limit: "memory" });
    expect(most).toBeLessThan(1.5e9);
    expect(children()).toEqual([]);
  });

  test("takes in much, and gives much", async () => {
    const much = program("parentPort.postMessage({ twice: [workerData.data, workerData.data] });");
    const data = Buffer.alloc(16 * 1024 * 1024, "data");
    const { result } = (await new WorkProcesses(systemClock).run(
      { ...limits, program: much, input: { data } },
      signal,
    )) as { result: { twice: Uint8Array[] } };
    expect(result.twice.map((one) => data.equals(one))).toEqual([true, true]);
  });

  test("goes on where signals come that are meant for the server", async () => {
    const folder = mkdtempSync(join(tmpdir(), "turnwire-work-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const input = { begun: join(folder, "begun"), go: join(folder, "go") };
    const patient = program(`
      import { existsSync, writeFileSync } from "node:fs";
      writeFileSync(workerData.begun, "");
      const look = setInterval(() => {
        if (!existsSync(workerData.go)) return;
        clearInterval(look);
        parentPort.postMessage(1);
      }, 5);`);
    const ended = new WorkProcesses(systemClock).run(
      { ...limits, program: patient, input },
      signal,
    );
    while (!existsSync(input.begun)) await setTimeout(5);
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      for (const { pid } of children()) process.kill(pid, name);
    }
    writeFileSync(input.go, "");
    expect(await ended).toEqual({ kind: "done", result: 1 });
  });

  unless(
    test,
    notOnLinux,
    "only Linux tells of other processes",
  )("that takes all memory ends by itself, also if the server does not come to it", async () => {
    const greedy = program("const all = []; for (;;) all.push(new Uint8Array(8e6).fill(1));");
    const ended = new WorkProcesses(systemClock).run({ ...limits, program: greedy }, signal);
    while (children().length === 0) await setImmediate();
    let most = 0;
    // This loop never comes to what the process tells.
    for (const until = performance.now() + 60_000; performance.now() < until; ) {
      const living = children();
      if (living.length === 0) break;
      for (const { residentBytes } of living) most = Math.max(most, residentBytes);
    }
    expect(children()).toEqual([]);
    expect(most).toBeLessThan(1.5e9);
    expect(await ended).toEqual({ kind: "exceeded", limit: "memory" });
  });

  test("whose program is gone says so, and names no path", async () => {
    const gone = new URL("file:///no/such/program.mjs");
    const run = new WorkProcesses(systemClock).run({ ...limits, program: gone }, signal);
    await expect(run).rejects.toThrow(/^a file of the installation is missing/);
    await expect(run).rejects.toThrow(ChildNotStarted);
  });

  unless(
    test,
    onWindows,
    "no file of this kind",
  )("whose process ends before it has begun was not started", async () => {
    const undo = pretendNodeAt("/bin/false");
    const run = new WorkProcesses(systemClock).run({ ...limits, program: echo }, signal);
    await expect(run).rejects.toThrow("its process ended at once (1)");
    undo();
    pretendNodeAt("/bin/false/node");
    const other = new WorkProcesses(systemClock).run({ ...limits, program: echo }, signal);
    await expect(other).rejects.toThrow("a part of the path is a file, not a folder (ENOTDIR)");
  });

  test("whose process cannot be started says why", async () => {
    const undo = pretendNodeAt(`${process.execPath}-that-is-not-there`);
    const run = new WorkProcesses(systemClock).run({ ...limits, program: echo }, signal);
    await expect(run).rejects.toThrow(ChildNotStarted);
    undo();
    const next = new WorkProcesses(systemClock).run({ ...limits, program: echo }, signal);
    expect(await next).toMatchObject({ kind: "done" });
  });

  test("that throws, or ends without a result, rejects", async () => {
    const work = new WorkProcesses(systemClock);
    const thrown = work.run({ ...limits, program: program("throw new TypeError('no')") }, signal);
    await expect(thrown).rejects.toThrow("TypeError: no");
    const silent = work.run({ ...limits, program: program("") }, signal);
    await expect(silent).rejects.toThrow("ended without a result");
  });

  test("of a task that is cancelled ends, whether it runs or waits", async () => {
    const work = new WorkProcesses(new ManualClock());
    const cancels = Array.from({ length: 3 }, () => new AbortController());
    const tasks = cancels.map((cancel) =>
      work.run({ ...limits, program: endless }, cancel.signal).catch((error: unknown) => error),
    );
    const after = work.run({ ...limits, program: echo, input: 1 }, signal);
    for (const cancel of cancels.reverse()) cancel.abort(new Error("cancelled"));
    expect((await Promise.all(tasks)).map(String)).toEqual(Array(3).fill("Error: cancelled"));
    expect(await after).toMatchObject({ kind: "done" });
  });
});

test("two run at once, and the time of who waits does not run", async () => {
  const clock = new ManualClock();
  const work = new WorkProcesses(clock);
  const outcomes: unknown[] = [];
  const begun = [endless, endless, echo].map((program, input) =>
    work
      .run({ ...limits, program, input }, signal)
      .then((outcome) => outcomes.push([input, outcome.kind])),
  );
  await setImmediate();
  expect(outcomes).toEqual([]);
  clock.advance(limits.limitMs);
  await Promise.all(begun);
  expect(outcomes.toSorted()).toEqual([
    [0, "exceeded"],
    [1, "exceeded"],
    [2, "done"],
  ]);
});
