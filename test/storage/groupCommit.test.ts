import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Database } from "../../src/storage/database.js";
import { GroupCommit } from "../../src/storage/groupCommit.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let database: Database;
let clock: VirtualScheduler;
let commits: GroupCommit;
/** What the works were told, in order. */
let told: string[];
/** How many transactions were committed. */
let committed: number;

beforeEach(() => {
  folder = temporaryFolder();
  database = Database.open(join(folder.path, "turnwire.db"));
  clock = new VirtualScheduler();
  commits = new GroupCommit(database, clock);
  told = [];
  committed = 0;
  database.onWritten(() => committed++);
});
afterEach(() => {
  database.close();
  folder.remove();
});

function work(name: string, write: () => void = () => insert(name)) {
  return {
    isDurable: true,
    subjects: [name, `${name} too`],
    write,
    accepted: () => void told.push(`${name} accepted`),
    refused: (error: unknown) => void told.push(`${name} refused: ${(error as Error).message}`),
  };
}

function insert(id: string): void {
  database.prepare("INSERT INTO servers (id, startedAt) VALUES (?, 1)").run(id);
}

const stored = () =>
  database
    .prepare("SELECT id FROM servers ORDER BY rowid")
    .all()
    .map(({ id }) => id);

describe("works that come together", () => {
  it("share one durable transaction, and are told in the order in which they came", async () => {
    const levels: unknown[] = [];
    for (const name of ["a", "b", "c"]) {
      commits.join(
        work(name, () => {
          insert(name);
          levels.push(database.prepare("PRAGMA synchronous").get()?.synchronous);
        }),
      );
    }
    expect(stored()).toEqual([]);
    await clock.settle();
    expect(stored()).toEqual(["a", "b", "c"]);
    expect(told).toEqual(["a accepted", "b accepted", "c accepted"]);
    expect({ committed, levels }).toEqual({ committed: 1, levels: [2, 2, 2] });
  });

  it("are waited for while the event loop brings more, and not for ever", async () => {
    let left = 40;
    const next = () => {
      if (left-- === 0) return;
      commits.join(work(`${left}`));
      clock.soon(next);
    };
    next();
    await clock.settle();
    expect(told).toHaveLength(40);
    expect(committed).toBeLessThanOrEqual(4);
  });

  it("are waited for longer where many sessions are busy, and no longer where none is", async () => {
    const turnsUntilTold = async (name: string) => {
      let turns = 0;
      commits.join(work(name));
      const count = () => {
        if (told.at(-1) === `${name} accepted`) return;
        turns++;
        clock.soon(count);
      };
      clock.soon(count);
      await clock.settle();
      return turns;
    };
    expect(await turnsUntilTold("alone")).toBe(1);
    for (const name of ["a", "b", "c", "d"]) commits.join(work(name));
    await clock.settle();
    expect(commits.isShared).toBe(true);
    expect(await turnsUntilTold("busy")).toBe(7);
    expect(commits.isShared).toBe(false);
    expect(await turnsUntilTold("alone again")).toBe(1);
  });

  it("are written in parts where there are many, each in a turn of the event loop of its own", async () => {
    const turns: number[] = [];
    let turn = 0;
    const count = () => {
      turn++;
      if (told.length < 40) clock.soon(count);
    };
    clock.soon(count);
    for (let n = 0; n < 40; n++) {
      const accepted = () => {
        told.push(`w${n}`);
        turns.push(turn);
      };
      commits.join({ ...work(`w${n}`), accepted });
    }
    await clock.settle();
    expect(told).toEqual(Array.from({ length: 40 }, (_, n) => `w${n}`));
    const parts = [...new Set(turns)].map((one) => turns.filter((other) => other === one).length);
    expect({ parts, committed }).toEqual({ parts: [14, 13, 13], committed: 3 });
  });

  it("tell whether many sessions are busy", () => {
    expect(commits.isShared).toBe(false);
    for (const [count, isShared] of [
      [3, false],
      [4, true],
      [1, false],
    ] as const) {
      for (let n = 0; n < count; n++) commits.join(work(`${count} ${n}`));
      commits.commit();
      expect(commits.isShared).toBe(isShared);
    }
  });

  it("are all written at once where somebody looks at one of them, however many there are", () => {
    for (let n = 0; n < 40; n++) commits.join(work(`w${n}`));
    commits.settle("w39");
    expect({ told: told.length, committed }).toEqual({ told: 40, committed: 1 });
  });

  it("are written before `commit` returns where somebody cannot wait", () => {
    commits.join(work("a"));
    commits.join(work("b"));
    commits.commit();
    expect({ stored: stored(), told, committed }).toEqual({
      stored: ["a", "b"],
      told: ["a accepted", "b accepted"],
      committed: 1,
    });
    commits.commit();
    expect(told).toHaveLength(2);
  });

  it("are written, all of them, where somebody looks at what one of them changes", () => {
    commits.join(work("a"));
    commits.join(work("b"));
    commits.settle("c");
    expect(told).toEqual([]);
    commits.settle("b too");
    expect({ told, committed }).toEqual({ told: ["a accepted", "b accepted"], committed: 1 });
  });

  it("may be followed by what their end brings", async () => {
    commits.join({ ...work("a"), accepted: () => commits.join(work("b")) });
    await clock.settle();
    expect({ stored: stored(), told, committed }).toEqual({
      stored: ["a", "b"],
      told: ["b accepted"],
      committed: 2,
    });
  });
});

describe("works that a power cut may lose", () => {
  const brief = (name: string, write?: () => void) => ({ ...work(name, write), isDurable: false });

  it("wait for no disk, unless one of their commit must", async () => {
    const levels: unknown[] = [];
    const look = () =>
      void levels.push(database.prepare("PRAGMA synchronous").get()?.synchronous ?? 0);
    commits.join(brief("a", look));
    await clock.settle();
    commits.join(brief("b", look));
    commits.join(work("c", look));
    await clock.settle();
    expect(levels).toEqual([1, 2, 2]);
    expect({ told: told.length, committed }).toEqual({ told: 3, committed: 2 });
  });

  it("have no commit where nothing of them is left to write", async () => {
    commits.join({ ...brief("a"), isNeeded: () => false });
    await clock.settle();
    expect({ told, committed }).toEqual({ told: ["a accepted"], committed: 0 });
    commits.join({ ...brief("b"), isNeeded: () => false });
    commits.join({ ...brief("c"), isNeeded: () => true });
    await clock.settle();
    expect({ told: told.length, committed }).toEqual({ told: 3, committed: 1 });
  });
});

describe("a work that fails", () => {
  it("keeps no other from the disk, and is told why", async () => {
    commits.join(work("a"));
    commits.join(
      work("b", () => {
        insert("b");
        throw new Error("no");
      }),
    );
    commits.join(work("c"));
    await clock.settle();
    expect(stored()).toEqual(["a", "c"]);
    expect(told).toEqual(["a accepted", "c accepted", "b refused: no"]);
  });

  it("announces nothing of what was rolled back, and what was kept once", async () => {
    const announced: string[] = [];
    const announcing = (name: string) => () => {
      insert(name);
      database.afterCommit(() => announced.push(name));
    };
    commits.join(work("a", announcing("a")));
    commits.join(work("a again", announcing("a")));
    commits.join(work("b", announcing("b")));
    await clock.settle();
    expect(announced).toEqual(["a", "b"]);
    expect(told.map((line) => line.split(":")[0])).toEqual([
      "a accepted",
      "b accepted",
      "a again refused",
    ]);
  });

  it("because another program holds the file makes nobody wait a second time", async () => {
    const other = Database.open(join(folder.path, "turnwire.db"));
    database.prepare("PRAGMA busy_timeout = 10").get();
    const tries = vi.spyOn(database, "durable");
    other.write(() => {
      for (const name of ["a", "b", "c"]) commits.join(work(name));
      commits.commit();
    });
    other.close();
    expect(tries).toHaveBeenCalledTimes(1);
    expect(told).toEqual(
      ["a", "b", "c"].map((name) => expect.stringMatching(`^${name} refused: .*locked`)),
    );
  });

  it("because another program holds the file is tried again until its time is over", async () => {
    const other = Database.open(join(folder.path, "turnwire.db"));
    database.waitBriefly(0);
    other.prepare("BEGIN IMMEDIATE").run();
    const start = clock.now();
    commits.join({ ...work("a"), waitsUntil: start + 1000 });
    const b = { ...work("b"), waitsUntil: start + 5000 };
    commits.join(b);
    commits.join({ ...work("c"), waitsUntil: start + 5000 });
    await clock.advance(2000);
    expect(told).toEqual([expect.stringMatching(/^a refused: .*locked/)]);
    commits.withdraw(b);
    expect(told).toHaveLength(2);
    other.prepare("ROLLBACK").run();
    await clock.advance(100);
    expect(told.slice(1)).toEqual([expect.stringMatching(/^b refused/), "c accepted"]);
    expect(stored()).toEqual(["c"]);
    commits.withdraw(b);
    expect(told).toHaveLength(3);
    expect(clock.pending).toBe(0);
    other.close();
  });

  it("because another program holds the file is tried again with all that wait, however many", async () => {
    const other = Database.open(join(folder.path, "turnwire.db"));
    database.waitBriefly(0);
    const tries = vi.spyOn(database, "durable");
    other.prepare("BEGIN IMMEDIATE").run();
    const waitsUntil = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 40; n++) commits.join({ ...work(`w${n}`), waitsUntil });
    await clock.advance(50);
    // A part of them at first, and then no turn of the event loop is spent on them in vain.
    expect(tries.mock.calls.length).toBeLessThanOrEqual(5);
    other.prepare("ROLLBACK").run();
    other.close();
    await clock.advance(100);
    expect(told).toEqual(Array.from({ length: 40 }, (_, n) => `w${n} accepted`));
  });

  it("because the disk refuses is told with all the others", async () => {
    database.prepare("PRAGMA query_only = 1").run();
    commits.join(work("a"));
    commits.join(work("b"));
    await clock.settle();
    expect(told).toEqual([
      expect.stringMatching(/^a refused: The database failed/),
      expect.stringMatching(/^b refused: The database failed/),
    ]);
    database.prepare("PRAGMA query_only = 0").run();
    commits.join(work("a"));
    await clock.settle();
    expect(stored()).toEqual(["a"]);
  });
});
