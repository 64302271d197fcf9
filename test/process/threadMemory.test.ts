// The watch over the memory of threads, with the memory of this process as it really is: what the main
// thread or native code takes for another reason ends no thread that does no harm.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { ThreadMemory } from "../../src/process/threadMemory.js";

const mb = 1024 * 1024;
/** Less than any thread of this program may have. */
const limitMb = 64;

/** A thread that fills so many megabytes of typed arrays, and then lives on. */
async function thread(megabytes: number): Promise<void> {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const held = [];
    for (let n = 0; n < workerData; n++) held.push(new Uint8Array(${mb}).fill(1));
    parentPort.postMessage(held.length);
    setInterval(() => held.length, 1000);`;
  const worker = new Worker(code, { eval: true, workerData: megabytes });
  onTestFinished(async () => {
    await worker.terminate();
  });
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

/** Whether a thread is ended while `work` is done. */
async function isEnded(work: () => Promise<void>): Promise<boolean> {
  let isExceeded = false;
  const end = new ThreadMemory(systemClock).watch(limitMb, () => {
    isExceeded = true;
  });
  try {
    await work();
    await setTimeout(100);
  } finally {
    end();
  }
  return isExceeded;
}

it("ends a thread that takes more than it may", async () => {
  expect(await isEnded(() => thread(limitMb + 400))).toBe(true);
});

it.each<[string, () => Promise<unknown>]>([
  ["one buffer of 200 MB of the main thread", async () => [Buffer.alloc(200 * mb, 1)]],
  [
    "3,000 buffers of 100 kB of the main thread",
    async () => Array.from({ length: 3000 }, () => Buffer.alloc(100_000, 1)),
  ],
  [
    "300 MB of texts of the main thread",
    async () => Array.from({ length: 300 }, (_, n) => String(n).padEnd(mb, "x").toLowerCase()),
  ],
  ["a cache of SQLite's of 150 MB", filledCache],
])("ends no harmless thread for %s", async (_what, take) => {
  let held: unknown;
  expect(
    await isEnded(async () => {
      await thread(20);
      held = await take();
      await setTimeout(60);
    }),
  ).toBe(false);
  expect(held).toBeDefined();
});

it("ends no harmless thread when the main thread lets go of much that it had before", async () => {
  let held: Buffer[] = Array.from({ length: 4000 }, () => Buffer.alloc(60_000, 1));
  expect(held).toHaveLength(4000);
  expect(
    await isEnded(async () => {
      await thread(20);
      held = [];
      // The garbage collector comes by while new memory is asked for.
      for (let n = 0; n < 200; n++) {
        Buffer.alloc(mb, 1);
        if (n % 20 === 0) await setTimeout(5);
      }
    }),
  ).toBe(false);
});

/** A database whose pages SQLite keeps in memory. */
async function filledCache(): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "turnwire-cache-"));
  const database = new DatabaseSync(join(folder, "x.db"));
  onTestFinished(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  database.exec("PRAGMA cache_size = -400000; CREATE TABLE t (x BLOB); BEGIN");
  const insert = database.prepare("INSERT INTO t VALUES (zeroblob(1000000))");
  for (let n = 0; n < 150; n++) {
    insert.run();
    if (n % 10 === 0) await setTimeout(1);
  }
  database.exec("COMMIT");
  return database;
}
