import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { WorkerThreads } from "../../src/process/workerThreads.js";
import { ManualClock } from "../helpers/manualClock.js";

function program(code: string): URL {
  const whole = `import { parentPort, workerData } from "node:worker_threads";\n${code}`;
  return new URL(`data:text/javascript,${encodeURIComponent(whole)}`);
}

const endless = program("for (;;);");
const echo = program("parentPort.postMessage({ got: workerData, env: { ...process.env } });");
const limits = { input: undefined, limitMs: 60_000, limitMb: 64 };
const { signal } = new AbortController();

describe("a thread", () => {
  test("gives what its program posts, and has nothing of the environment", async () => {
    const threads = new WorkerThreads(systemClock);
    const task = { ...limits, program: echo, input: { html: "<p>" } };
    expect(await threads.run(task, signal)).toEqual({
      kind: "done",
      result: { got: { html: "<p>" }, env: {} },
    });
  });

  test("that never ends is ended by its time, and holds nobody up", async () => {
    const clock = new ManualClock();
    const outcome = new WorkerThreads(clock).run({ ...limits, program: endless }, signal);
    await setImmediate();
    clock.advance(limits.limitMs);
    expect(await outcome).toEqual({ kind: "exceeded", limit: "time" });
  });

  test("that takes all memory is ended by that", async () => {
    const greedy = program("const all = []; for (;;) all.push(new Array(1000).fill({}));");
    const outcome = await new WorkerThreads(systemClock).run(
      { ...limits, program: greedy },
      signal,
    );
    expect(outcome).toEqual({ kind: "exceeded", limit: "memory" });
  });

  test.each([
    ["typed arrays", "all.push(new Uint8Array(8e6).fill(1));"],
    ["many small typed arrays", "all.push(new Float64Array(5e4).fill(1));"],
    ["bytes of Node", "all.push(Buffer.alloc(8e6, 1));"],
    ["one that grows", "all[0] = new Uint8Array((all[0]?.length ?? 4e6) * 2).fill(1);"],
  ])("that takes all memory outside of its heap, as %s, is ended by that", async (_, take) => {
    const greedy = program(`const all = []; for (let n = 0; n < 1e6; n++) { ${take} }`);
    const before = process.memoryUsage().rss;
    let most = 0;
    const looking = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss - before);
    }, 5);
    const outcome = await new WorkerThreads(systemClock).run(
      { ...limits, program: greedy },
      signal,
    );
    clearInterval(looking);
    expect(outcome).toEqual({ kind: "exceeded", limit: "memory" });
    expect(most).toBeLessThan(1.5e9);
  });

  test("is not ended for what the main thread takes", async () => {
    const threads = new WorkerThreads(systemClock);
    const slow = program("setTimeout(() => parentPort.postMessage(1), 500);");
    const ended = threads.run({ ...limits, program: slow }, signal);
    const own: Uint8Array[] = [];
    for (let n = 0; n < 60; n++) {
      own.push(new Uint8Array(8e6).fill(n));
      await setImmediate();
    }
    expect(await ended).toEqual({ kind: "done", result: 1 });
    expect(own).toHaveLength(60);
  });

  test("that throws, or ends without a result, rejects", async () => {
    const threads = new WorkerThreads(systemClock);
    const thrown = threads.run(
      { ...limits, program: program("throw new TypeError('no')") },
      signal,
    );
    await expect(thrown).rejects.toThrow(TypeError);
    const silent = threads.run({ ...limits, program: program("") }, signal);
    await expect(silent).rejects.toThrow("ended without a result");
  });

  test("of a task that is cancelled ends, whether it runs or waits", async () => {
    const threads = new WorkerThreads(new ManualClock());
    const cancels = Array.from({ length: 3 }, () => new AbortController());
    const tasks = cancels.map((cancel) =>
      threads.run({ ...limits, program: endless }, cancel.signal).catch((error: unknown) => error),
    );
    const after = threads.run({ ...limits, program: echo, input: 1 }, signal);
    for (const cancel of cancels.reverse()) cancel.abort(new Error("cancelled"));
    expect((await Promise.all(tasks)).map(String)).toEqual(Array(3).fill("Error: cancelled"));
    expect(await after).toMatchObject({ kind: "done" });
  });
});

test("two threads run at once, and the time of who waits does not run", async () => {
  const clock = new ManualClock();
  const threads = new WorkerThreads(clock);
  const outcomes: unknown[] = [];
  const begun = [endless, endless, echo].map((program, input) =>
    threads
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
