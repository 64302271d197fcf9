// Random histories of the outbox. A failure prints its seed and path; `TURNWIRE_SEED` and
// `TURNWIRE_PATH` play it again, `TURNWIRE_HISTORIES` says how many.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { keepAcknowledgedMs, Pruner } from "../../src/storage/pruner.js";
import { maxCompletionText } from "../../src/storage/sharedTexts.js";
import { OutboxHouse, temporaryFolder } from "../helpers/outboxHouse.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { OutboxHistory, stepArbitrary } from "./outboxModel.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_HISTORIES } = process.env;
const numRuns = Number(TURNWIRE_HISTORIES ?? 120);

describe("the outbox", () => {
  it("keeps its promises in every history", {
    timeout: Math.max(240_000, numRuns * 300),
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 5, maxLength: 60, size: "max" }),
        fc.record({ sharesCommits: fc.boolean(), joins: fc.boolean() }),
        async (steps, form) => {
          const folder = temporaryFolder();
          const history = new OutboxHistory(folder.path, form);
          try {
            for (const step of steps) {
              const taken = history.take(step);
              if (taken !== undefined) await taken;
            }
            await history.take({ type: "settle" });
          } finally {
            history.end();
            folder.remove();
          }
        },
      ),
      {
        numRuns,
        ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
        ...defined({ path: TURNWIRE_PATH }),
      },
    );
  });
});

describe("one completion", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let house: OutboxHouse;
  beforeEach(() => {
    folder = temporaryFolder();
    house = new OutboxHouse(folder.path);
  });
  afterEach(() => {
    house.close();
    folder.remove();
  });

  it("is all that a run can have: a second one is an error, and undoes what came with it", () => {
    house.append("a");
    const run = house.runs.find("ws", "a");
    const content = { text: "", status: "failed", cancelled: false, foldedPrompts: 0 } as const;
    expect(() =>
      house.database.durable(() => {
        house.append("b");
        if (run) house.outbox.append(run, { ...content, completedAt: "" });
      }),
    ).toThrow(/UNIQUE/);
    expect(house.of("a")?.status).toBe("succeeded");
    expect(house.runs.find("ws", "b")).toBeUndefined();
  });

  it.each([
    ["that fits as it is", "x".repeat(maxCompletionText), maxCompletionText],
    ["that is too long cut, and says so", "x".repeat(maxCompletionText + 1), maxCompletionText],
    [
      "without cutting a character",
      `${"x".repeat(maxCompletionText - 1)}😀`,
      maxCompletionText - 1,
    ],
  ])("has a text %s", (_, text, length) => {
    house.append("a", "client", "s", text);
    const stored = house.of("a");
    expect([stored?.text, stored?.textTruncated]).toEqual([
      text.slice(0, length),
      length < text.length || undefined,
    ]);
  });

  it("is told to nobody when its transaction fails", () => {
    let heard = 0;
    house.outbox.onAppended(() => heard++);
    expect(() =>
      house.database.write(() => {
        house.append("a");
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(heard).toBe(0);
  });

  it("goes to the identity that its client tells late, with what is still to come", async () => {
    house.append("a", "fresh");
    house.outbox.adopt("fresh", "client");
    expect(house.outbox.listPending("fresh").completions).toEqual([]);
    expect(house.outbox.listPending("client").completions).toMatchObject([{ runId: "a" }]);
    expect((await house.acknowledge("a", "fresh")).unknown).toHaveLength(1);
    expect((await house.acknowledge("a")).acknowledged).toHaveLength(1);
  });
});

describe("the pruner", () => {
  it("deletes in small steps, and only what was acknowledged seven days ago", async () => {
    const folder = temporaryFolder();
    const house = new OutboxHouse(folder.path);
    const { clock } = house;
    house.database.write(() => {
      for (let n = 0; n < 450; n++) house.append(`r${n}`);
    });
    for (let n = 0; n < 449; n++) house.acknowledge(`r${n}`);
    await clock.advance(keepAcknowledgedMs - 60_000);
    const pruner = new Pruner(house, clock, recordingLog().log);
    const left = () =>
      Number(house.database.prepare("SELECT count(*) AS n FROM completions").get()?.n);
    await clock.advance(60_000);
    expect(left()).toBe(450);
    // The first look deletes nothing: its clock may be wrong.
    await clock.advance(2 * 60 * 60_000 - 1);
    expect(left()).toBe(450);
    const counts: number[] = [];
    for (let step = 0; step < 4; step++) {
      await clock.advance(step === 0 ? 1 : 250);
      counts.push(left());
    }
    expect(counts).toEqual([250, 50, 1, 1]);
    expect(house.of("r449")).toBeDefined();
    pruner.close();
    expect(clock.pending).toBe(0);
    house.close();
    folder.remove();
  });

  it("deletes nothing by a clock that is days ahead for a while", async () => {
    const folder = temporaryFolder();
    const house = new OutboxHouse(folder.path);
    const { log } = recordingLog();
    const day = 24 * 60 * 60_000;
    await house.clock.advance(20 * day);
    house.append("a");
    house.acknowledge("a");
    let ahead = 0;
    const clock = {
      now: () => house.clock.now() + ahead,
      after: (ms: number, run: () => void) => house.clock.after(ms, run),
      soon: (run: () => void) => house.clock.soon(run),
    };
    const live = async (ms: number) => {
      const pruner = new Pruner(house, clock, log);
      await house.clock.advance(ms);
      pruner.close();
    };
    for (const wrongForMs of [60_000, 90_000, 30 * 60_000]) {
      await live(3 * 60 * 60_000);
      ahead = 10 * day;
      await live(wrongForMs);
      ahead = 0;
      await live(3 * 60 * 60_000);
      expect(house.of("a")).toBeDefined();
    }
    await live(8 * day);
    expect(house.of("a")).toBeUndefined();
    house.close();
    folder.remove();
  });

  it("works for servers that live for seconds", async () => {
    const folder = temporaryFolder();
    const house = new OutboxHouse(folder.path);
    house.append("a");
    house.acknowledge("a");
    for (let start = 0; start < 10; start++) {
      const pruner = new Pruner(house, house.clock, recordingLog().log);
      await house.clock.advance(5_000);
      pruner.close();
      await house.clock.advance(24 * 60 * 60_000);
    }
    expect(house.of("a")).toBeUndefined();
    house.close();
    folder.remove();
  });

  it("counts from the first acknowledgement: a second one keeps nothing longer", async () => {
    const folder = temporaryFolder();
    const house = new OutboxHouse(folder.path);
    const pruner = new Pruner(house, house.clock, recordingLog().log);
    house.append("a");
    house.acknowledge("a");
    await house.clock.advance(keepAcknowledgedMs / 2);
    house.acknowledge("a");
    await house.clock.advance(keepAcknowledgedMs / 2 + 3 * 60 * 60_000);
    expect(house.of("a")).toBeUndefined();
    pruner.close();
    house.close();
    folder.remove();
  });

  it("goes on after a disk that failed", async () => {
    const folder = temporaryFolder();
    const house = new OutboxHouse(folder.path);
    const { log, messages } = recordingLog();
    const pruner = new Pruner(house, house.clock, log);
    house.append("a");
    house.acknowledge("a");
    await house.clock.advance(keepAcknowledgedMs);
    house.breakDisk();
    await house.clock.advance(60 * 60_000);
    house.breakDisk(false);
    expect(messages).toEqual(["pruning failed; it is tried again later"]);
    await house.clock.advance(3 * 60 * 60_000);
    expect(house.of("a")).toBeUndefined();
    pruner.close();
    house.close();
    folder.remove();
  });
});
