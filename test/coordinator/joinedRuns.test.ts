// Runs with a `runId` that join the turn of another run (protocol.md section 4, The queue).

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CoordinatorHouse, temporaryFolder } from "../helpers/coordinatorHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;

beforeEach(() => {
  folder = temporaryFolder();
  house = new CoordinatorHouse({ directory: folder.path });
  house.session("s");
});

afterEach(async () => {
  await house.close();
  folder.remove();
});

const options = { whenBusy: "join" } as const;
const accept = (runId: string, more: { clientId?: string; text?: string } = {}) =>
  house.accept("s", { runId, text: runId, options, ...more });
const statuses = () => house.allCompletions().map(({ runId, status }) => `${runId}: ${status}`);
const seconds = (count: number) => house.clock.advance(count * 1000);

/** The turn of `a`, which `b` has joined. */
async function joined() {
  const turn = await house.begin("s", { runId: "a", text: "a" });
  accept("b");
  turn.call();
  await house.clock.settle();
  expect(turn.folded.flat()).toEqual(["b"]);
  return turn;
}

describe("a run that joins", () => {
  it("ends with the turn, behind its completion, and tells the same but what the turn used", async () => {
    const turn = await house.begin("s", { runId: "a", text: "a" });
    accept("b", { clientId: "another" });
    house.accept("s", { text: "plain" });
    accept("c");
    house.coordinator.queue.move("s", "que_4", "que_2");
    turn.call();
    await house.clock.settle();
    expect(turn.folded.flat()).toEqual(["c", "b", "plain"]);
    expect([house.row("b").state, house.row("c").state]).toEqual(["running", "running"]);
    expect(house.completion("b")).toBeUndefined();
    turn.request.sink.addUsage({ promptTokens: 1, completionTokens: 1, cost: 1 });
    turn.request.sink.warn("mind this");
    turn.succeed();
    await house.clock.settle();
    const [own, ...others] = house.allCompletions();
    expect(own).toMatchObject({ runId: "a", status: "succeeded", foldedPrompts: 3, steps: 1 });
    expect(own?.usage).toMatchObject({ cost: 1 });
    expect(own).not.toHaveProperty("joined");
    const { usage: _, warnings: _warnings, ...told } = own ?? {};
    const same = {
      ...told,
      foldedPrompts: 0,
      steps: 0,
      joined: { completionId: own?.completionId, runId: "a" },
      run: expect.anything(),
      completionId: expect.anything(),
      sequence: expect.anything(),
    };
    expect(others).toEqual([
      { ...same, runId: "b" },
      { ...same, runId: "c" },
    ]);
    expect(house.outbox.listPending("another").completions.map(({ runId }) => runId)).toEqual([
      "b",
    ]);
    expect(house.coordinator.isBusy).toBe(false);
  });

  it("is a turn of its own where the other ends first, and others may join that", async () => {
    const turn = await house.begin("s", { runId: "a" });
    accept("b");
    accept("c");
    turn.succeed();
    const next = await house.ready("s");
    expect(next.folded.flat()).toEqual(["c"]);
    next.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: succeeded", "c: succeeded"]);
    expect(house.completion("b")).not.toHaveProperty("joined");
    expect(house.completion("c")?.joined).toMatchObject({ runId: "b" });
  });

  it("joins a turn without a `runId`, whose completion is named by its id alone", async () => {
    const turn = await house.begin("s", { text: "plain" });
    accept("b");
    turn.call();
    await house.clock.settle();
    turn.fail();
    await house.clock.settle();
    const [own, other] = house.allCompletions();
    expect(own?.runId).toBeUndefined();
    expect(other).toMatchObject({ runId: "b", status: "failed", error: own?.error });
    expect(other?.joined).toEqual({ completionId: own?.completionId });
  });

  it("is the same run when it comes again, before and after its end, and a conflict otherwise", async () => {
    const turn = await joined();
    expect(accept("b")).toMatchObject({ isDuplicate: true, row: { state: "running" } });
    for (const other of [{ text: "b" }, { text: "else", options }]) {
      expect(() => house.accept("s", { runId: "b", ...other })).toThrow(
        expect.objectContaining({ name: "RunIdConflict" }),
      );
    }
    turn.succeed();
    await house.clock.settle();
    expect(accept("b")).toMatchObject({ isDuplicate: true, row: { state: "completed" } });
    expect(house.transcript("s").filter((line) => line === "user: b")).toHaveLength(1);
  });

  it("does not join where the queue is paused", async () => {
    const turn = await house.begin("s", { runId: "a" });
    accept("b");
    house.coordinator.queue.pause("s");
    turn.call();
    await house.clock.settle();
    expect(turn.folded.flat()).toEqual([]);
    house.coordinator.queue.resume("s");
    turn.call();
    await house.clock.settle();
    expect(turn.folded.flat()).toEqual(["b"]);
  });

  it("keeps what it asked for in a paused queue that outlives its server", async () => {
    await house.begin("s", { runId: "a" });
    house.coordinator.queue.pause("s");
    accept("b");
    accept("c");
    house.crash();
    house = new CoordinatorHouse({ directory: folder.path, ids: house.ids });
    house.coordinator.queue.resume("s");
    const turn = await house.ready("s");
    expect(turn.folded.flat()).toEqual(["c"]);
  });
});

describe("a cancel", () => {
  it("of a run that has joined stops nothing", async () => {
    const turn = await joined();
    expect(house.coordinator.cancelRun(house.row("b"))).toBe("joined");
    await house.clock.settle();
    expect(turn.request.signal.aborted).toBe(false);
    turn.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: succeeded"]);
    expect(house.coordinator.cancelRun(house.row("b"))).toBe("alreadyCompleted");
  });

  it("of the turn, or of the session, ends both", async () => {
    await joined();
    accept("c");
    expect(house.coordinator.cancelSession("s")).toEqual([
      { runId: "a", was: "running" },
      { runId: "b", was: "running" },
      { runId: "c", was: "queued" },
    ]);
    await house.clock.settle();
    expect(statuses()).toEqual(["c: cancelled", "a: cancelled", "b: cancelled"]);
    expect(house.completion("b")).toMatchObject({ cancelled: true, cause: "user" });
    expect(house.completion("b")).not.toHaveProperty("neverRan");
  });

  it("of the queue leaves it, and it is no entry any more", async () => {
    const turn = await joined();
    expect(house.coordinator.queue.clear("s")).toBe(0);
    expect(house.coordinator.queue.list("s").entries).toEqual([]);
    expect(() => house.coordinator.queue.remove("s", "que_2")).toThrow(
      expect.objectContaining({ name: "QueueEntryNotFound" }),
    );
    expect(() => house.coordinator.deleteSessions(["s"])).toThrow("A turn runs on this session");
    turn.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: succeeded"]);
  });

  it("by the workspace's end ends both", async () => {
    await joined();
    const closed = house.coordinator.close("deleted");
    await house.clock.settle();
    await closed;
    expect(house.allCompletions()).toMatchObject([
      { runId: "a", status: "cancelled", cause: "deleted" },
      { runId: "b", status: "cancelled", cause: "deleted", joined: { runId: "a" } },
    ]);
  });
});

describe("a disk", () => {
  it("that takes nothing at the next call fails the turn, and leaves the run to its own", async () => {
    const turn = await house.begin("s", { runId: "a" });
    accept("b");
    house.breakDisk();
    turn.call();
    await house.clock.settle();
    expect(house.row("b").state).toBe("queued");
    house.breakDisk(false);
    await seconds(1);
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: failed", "b: succeeded"]);
    expect(house.transcript("s").filter((line) => line === "user: b")).toHaveLength(1);
  });

  it("that does not take the message lets the run not join either", async () => {
    const turn = await house.begin("s", { runId: "a" });
    accept("b");
    house.database
      .prepare(
        `CREATE TEMP TRIGGER noUser BEFORE INSERT ON messages WHEN new.role = 'user'
         BEGIN SELECT RAISE(ABORT, 'no more messages'); END`,
      )
      .run();
    turn.call();
    await house.clock.settle();
    expect(house.row("b").state).not.toBe("running");
    house.database.prepare("DROP TRIGGER noUser").run();
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: failed", "b: succeeded"]);
    expect(house.completion("b")).not.toHaveProperty("joined");
  });

  it("that takes no outcome makes both completions late, together", async () => {
    const turn = await joined();
    house.breakDisk();
    turn.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual([]);
    expect(house.coordinator.cancelRun(house.row("b"))).toBe("joined");
    house.breakDisk(false);
    await seconds(10);
    expect(house.allCompletions()).toMatchObject([{ runId: "a" }, { runId: "b" }]);
    expect(house.completion("b")?.joined).toMatchObject({ runId: "a" });
  });
});

describe("a server that dies", () => {
  it("leaves a completion for each, the joined ones behind the turn's, before the queue's", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "q" });
    accept("b");
    accept("c");
    turn.call();
    await house.clock.settle();
    house.crash();
    house = new CoordinatorHouse({ directory: folder.path, ids: house.ids });
    const all = house.allCompletions();
    expect(all.map(({ runId }) => runId)).toEqual(["a", "b", "c", "q"]);
    const [own] = all;
    for (const other of all.slice(1, 3)) {
      expect(other).toMatchObject({
        status: "interrupted",
        cause: "crash",
        joined: { completionId: own?.completionId, runId: "a" },
      });
      expect(other).not.toHaveProperty("neverRan");
    }
    expect(own?.foldedPrompts).toBe(2);
  });

  it("before the call leaves it waiting, and it is told as one that never ran", async () => {
    await house.begin("s", { runId: "a" });
    accept("b");
    house.crash();
    house = new CoordinatorHouse({ directory: folder.path, ids: house.ids });
    expect(house.completion("b")).toMatchObject({ status: "interrupted", neverRan: true });
    expect(house.completion("b")).not.toHaveProperty("joined");
  });
});
