import { beforeEach, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { silentLog } from "../../src/base/log.js";
import { againMs, IdleMemory, restMs, settledMs } from "../../src/process/idleMemory.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

const mb = 1024 * 1024;
const wholeMs = restMs + againMs + settledMs;

let clock: VirtualScheduler;
let isBusy: boolean;
let done: string[];
let sizes: { heap: number; beside: number };
let keepsPages: boolean;
let givePagesBack: (isWanted: () => boolean) => Promise<void>;
let memory: IdleMemory;

beforeEach(() => {
  clock = new VirtualScheduler();
  isBusy = false;
  keepsPages = true;
  done = [];
  sizes = { heap: 90 * mb, beside: 60 * mb };
  givePagesBack = async () => {};
  memory = idleMemory(async () => {
    sizes = { ...sizes, heap: 40 * mb };
  });
});

function idleMemory(collect: () => Promise<unknown>, log = silentLog): IdleMemory {
  return new IdleMemory({
    clock,
    log,
    isBusy: () => isBusy,
    memory: {
      sizes: () => sizes,
      get keepsPages() {
        return keepsPages;
      },
      collect: () => {
        done.push("collect");
        return collect();
      },
      givePagesBack: (isWanted) => {
        done.push("pages");
        return givePagesBack(isWanted);
      },
    },
  });
}

describe("memory after work", () => {
  it("is collected twice, and then nothing wakes the process any more", async () => {
    memory.afterWork();
    await clock.advance(restMs - 1);
    expect(done).toEqual([]);
    await clock.advance(wholeMs);
    expect(done).toEqual(["collect", "collect"]);
    expect(clock.pending).toBe(0);
  });

  it("is asked for no pages where V8 keeps none, or a flag of the user says how it is", async () => {
    keepsPages = false;
    sizes = { heap: 90 * mb, beside: 200 * mb };
    memory.afterWork();
    await clock.advance(wholeMs);
    expect(done).toEqual(["collect", "collect"]);
    expect(clock.pending).toBe(0);
  });

  it("is left alone where the heap is small, or has hardly grown since the last rest", async () => {
    sizes = { heap: 40 * mb, beside: 60 * mb };
    memory.afterWork();
    expect(clock.pending).toBe(0);
    for (const [heap, collections] of [
      [100 * mb, 2],
      [55 * mb, 2],
      [57 * mb, 4],
    ] as const) {
      sizes = { heap, beside: 60 * mb };
      memory.afterWork();
      await clock.advance(wholeMs);
      expect(done).toHaveLength(collections);
      expect(clock.pending).toBe(0);
    }
  });

  it("is measured by what stays: a heap that is large after two pairs of collections is in use", async () => {
    memory = idleMemory(async () => {});
    for (let round = 0; round < 3; round++) {
      memory.afterWork();
      await clock.advance(2 * wholeMs);
    }
    expect(done).toEqual(["collect", "collect", "collect", "collect"]);
  });

  it("is collected by a second pair where V8 has kept it at the first", async () => {
    memory = idleMemory(async () => {
      if (done.length === 3) sizes = { ...sizes, heap: 40 * mb };
    });
    memory.afterWork();
    await clock.advance(2 * wholeMs);
    expect(done).toHaveLength(4);
    expect(clock.pending).toBe(0);
    // What is measured next is beside the heap as it is now.
    sizes = { ...sizes, heap: 57 * mb };
    memory.afterWork();
    await clock.advance(wholeMs);
    expect(done).toHaveLength(6);
  });

  it.each([
    ["before the first collection", 0, 0],
    ["between the two", restMs, 1],
    ["after both", restMs + againMs, 2],
  ])("is left alone once a turn runs, %s, and begun again after it", async (_, at, before) => {
    memory = idleMemory(async () => {});
    memory.afterWork();
    await clock.advance(at);
    isBusy = true;
    await clock.advance(60_000);
    expect(done).toHaveLength(before);
    memory.afterWork();
    expect(clock.pending).toBe(0);
    isBusy = false;
    memory.afterWork();
    await clock.advance(wholeMs);
    expect(done).toHaveLength(before + 2);
  });

  it("is collected once more if a whole turn came between the two", async () => {
    memory = idleMemory(async () => {});
    memory.afterWork();
    await clock.advance(restMs + 1);
    memory.afterWork();
    await clock.advance(wholeMs * 2);
    expect(done).toEqual(["collect", "collect", "collect", "collect"]);
    expect(clock.pending).toBe(0);
  });

  it("is never asked for twice at a time by work that writes every second", async () => {
    for (let second = 0; second < 600; second++) {
      memory.afterWork();
      expect(clock.pending).toBeLessThan(2);
      await clock.advance(1000);
    }
    expect(done).toEqual(["collect", "collect"]);
  });

  it("is told of in the log where it cannot be given back", async () => {
    const { log, messages } = recordingLog();
    memory = idleMemory(() => Promise.reject(new Error("no such thing")), log);
    memory.afterWork();
    await clock.advance(wholeMs);
    expect(new Set(messages)).toEqual(new Set(["memory could not be given back"]));
  });

  it("is left alone after the end", async () => {
    memory.afterWork();
    memory.close();
    memory.afterWork();
    expect(clock.pending).toBe(0);
  });
});

describe("pages that V8 keeps", () => {
  const both = ["collect", "collect"];

  beforeEach(() => {
    sizes = { heap: 90 * mb, beside: 200 * mb };
  });

  it("are asked for once both collections have been made", async () => {
    memory.afterWork();
    await clock.advance(wholeMs - 1);
    expect(done).toEqual(both);
    await clock.advance(1);
    expect(done).toEqual([...both, "pages"]);
    await clock.advance(60 * wholeMs);
    expect(done).toEqual([...both, "pages"]);
    expect(clock.pending).toBe(0);
  });

  it("are asked for although something was written between the two collections", async () => {
    memory.afterWork();
    await clock.advance(restMs + 1);
    memory.afterWork();
    await clock.advance(2 * wholeMs);
    expect(done).toEqual([...both, "pages"]);
  });

  it("are asked for after a second pair of collections, although something is written all the time", async () => {
    memory = idleMemory(async () => {});
    for (let second = 0; second < 600; second++) {
      memory.afterWork();
      await clock.advance(1000);
    }
    expect(done).toEqual([...both, ...both, "pages"]);
  });

  it("are wanted until they are given back, a turn begins, or the server ends", async () => {
    let isWanted = () => false;
    givePagesBack = async (given) => {
      isWanted = given;
    };
    memory.afterWork();
    await clock.advance(wholeMs);
    expect(isWanted()).toBe(true);
    isBusy = true;
    expect(isWanted()).toBe(false);
    isBusy = false;
    sizes = { ...sizes, beside: 60 * mb };
    expect(isWanted()).toBe(false);
    sizes = { ...sizes, beside: 200 * mb };
    expect(isWanted()).toBe(true);
    memory.close();
    expect(isWanted()).toBe(false);
  });

  it("are asked for one request at a time, and what a turn leaves meanwhile is collected after it", async () => {
    const given = new Deferred<void>();
    givePagesBack = () => given.promise;
    memory.afterWork();
    await clock.advance(wholeMs);
    sizes = { ...sizes, heap: 90 * mb };
    memory.afterWork();
    expect(clock.pending).toBe(0);
    sizes = { heap: 40 * mb, beside: 60 * mb };
    given.resolve();
    await clock.advance(wholeMs);
    expect(done).toEqual([...both, "pages"]);
    sizes = { ...sizes, heap: 90 * mb };
    memory.afterWork();
    await clock.advance(wholeMs);
    expect(done).toEqual([...both, "pages", ...both]);
  });

  it("that cannot be given back are told of in the log", async () => {
    const { log, messages } = recordingLog();
    givePagesBack = () => Promise.reject(new Error("no such flag"));
    memory = idleMemory(async () => {}, log);
    memory.afterWork();
    await clock.advance(2 * wholeMs);
    expect(messages).toEqual(["memory could not be given back"]);
  });
});
