import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";

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

const statuses = () => house.allCompletions().map(({ runId, status }) => `${runId}: ${status}`);
const storageFailed = expect.objectContaining({ name: "StorageFailed", retryable: true });

describe("a disk that refuses an acceptance", () => {
  it("lets nothing be accepted: no row, no turn, the session idle", async () => {
    house.breakDisk();
    expect(() => house.accept("s", { runId: "a" })).toThrow(storageFailed);
    house.breakDisk(false);
    await house.clock.settle();
    expect(house.runs.find(workspaceId, "a")).toBeUndefined();
    expect(house.engine.preparations).toHaveLength(0);
    expect(house.coordinator.isBusy).toBe(false);
    (await house.begin("s", { runId: "a" })).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded"]);
  });

  it("because it is full says so", () => {
    const { page_count: pages } = house.database.prepare("PRAGMA page_count").get() ?? {};
    house.database.prepare(`PRAGMA max_page_count = ${pages}`).get();
    const runId = "a".repeat(200_000);
    expect(() => house.accept("s", { runId })).toThrow(/the disk is full; free some space/);
    house.database.prepare("PRAGMA max_page_count = 1000000").get();
    expect(house.runs.find(workspaceId, runId)).toBeUndefined();
    expect(house.coordinator.isBusy).toBe(false);
  });

  it("keeps a prompt out of the queue too", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.breakDisk();
    expect(() => house.accept("s", { runId: "b" })).toThrow(storageFailed);
    house.breakDisk(false);
    expect(house.coordinator.queue.prompts("s").map(({ text }) => text)).toEqual([]);
    turn.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded"]);
  });
});

describe("a disk that refuses an outcome", () => {
  it("makes the completion late, and there is one", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.database
      .prepare(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON completions BEGIN SELECT RAISE(ABORT, 'full'); END",
      )
      .run();
    turn.succeed("late");
    await house.clock.advance(60_000);
    expect(house.row("a").state).toBe("running");
    expect(house.coordinator.describe(sessionRow()).isBusy).toBe(true);
    house.database.prepare("DROP TRIGGER full").run();
    await house.clock.advance(10_000);
    expect(house.allCompletions()).toMatchObject([{ runId: "a", text: "late" }]);
    await house.clock.advance(60_000);
    expect(statuses()).toEqual(["a: succeeded"]);
    expect(house.coordinator.isBusy).toBe(false);
  });

  it("loses nothing of what had streamed", async () => {
    const turn = await house.begin("s", { runId: "a" });
    const reply = turn.request.sink.createMessage({ role: "assistant" });
    const part = reply.addPart({ type: "text", text: "" });
    reply.append(part, "streamed");
    house.database
      .prepare(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON completions BEGIN SELECT RAISE(ABORT, 'full'); END",
      )
      .run();
    turn.throw(new Error("unexpected"));
    await house.clock.settle();
    house.database.prepare("DROP TRIGGER full").run();
    await house.clock.advance(10_000);
    expect(statuses()).toEqual(["a: failed"]);
    expect(house.transcript("s").at(-1)).toBe("assistant: streamed");
  });

  it("keeps an outcome that a cancel comes too late for, however long it takes", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.breakDisk();
    const { sink } = turn.request;
    expect(() => sink.setTodos([])).toThrow(storageFailed);
    turn.throw(new Error("the disk"));
    await house.clock.settle();
    expect(house.coordinator.cancelSession("s")).toEqual([{ runId: "a", was: "running" }]);
    await house.clock.advance(600_000);
    house.breakDisk(false);
    await house.clock.advance(10_000);
    expect(statuses()).toEqual(["a: failed"]);
  });

  it("does not hold up the other sessions", async () => {
    house.session("t");
    const other = await house.begin("t", { runId: "b" });
    const turn = await house.begin("s", { runId: "a" });
    house.breakDisk();
    turn.throw(new Error("the disk"));
    await house.clock.settle();
    house.breakDisk(false);
    other.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["b: succeeded"]);
    await house.clock.advance(250);
    expect(statuses()).toEqual(["b: succeeded", "a: failed"]);
  });
});

describe("a stop on a disk that refuses", () => {
  const signalOf = (turn: { request: { signal: AbortSignal } }) => turn.request.signal;

  it("stops the turn at once, and what is owed to the queue is written late", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    house.accept("s", { runId: "c" });
    house.breakDisk();
    expect(house.coordinator.cancelSession("s")).toEqual([
      { runId: "a", was: "running" },
      { runId: "b", was: "queued" },
      { runId: "c", was: "queued" },
    ]);
    expect(signalOf(turn).aborted).toBe(true);
    expect(house.coordinator.queue.prompts("s").map(({ text }) => text)).toEqual([]);
    await house.clock.advance(60_000);
    expect(house.row("b").state).toBe("queued");
    house.breakDisk(false);
    await house.clock.advance(10_000);
    expect(statuses()).toEqual(["b: cancelled", "c: cancelled", "a: cancelled"]);
    expect(house.coordinator.describe(sessionRow())).toMatchObject({ isBusy: false });
  });

  it("holds for one queued run, and for the queue alone", async () => {
    const turn = await house.begin("s", { runId: "a" });
    for (const runId of ["b", "c", "d"]) house.accept("s", { runId });
    house.breakDisk();
    expect(house.coordinator.cancelRun(house.row("c"))).toBe("cancelledBeforeStart");
    expect(house.coordinator.queue.clear("s")).toBe(2);
    expect(signalOf(turn).aborted).toBe(false);
    house.breakDisk(false);
    // Whoever asks next finds it written.
    await house.clock.advance(250);
    expect(house.row("c").state).toBe("completed");
    turn.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["c: cancelled", "b: cancelled", "d: cancelled", "a: succeeded"]);
  });
});

describe("closing on a disk that refuses", () => {
  async function closedWithoutDisk(): Promise<void> {
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    house.breakDisk();
    turn.throw(new Error("the disk"));
    await house.clock.advance(60_000);
    const closed = house.coordinator.close("deleted");
    await house.clock.advance(750);
    await closed;
    expect(house.coordinator.isBusy).toBe(false);
  }

  it("tries three times, then leaves the run to the next server, which interrupts it", async () => {
    await closedWithoutDisk();
    house.crash();
    house = new CoordinatorHouse({ directory: folder.path, ids: house.ids });
    expect(statuses()).toEqual(["a: interrupted", "b: interrupted"]);
  });

  it("ends what it left itself as soon as the disk takes it, also once it is opened again", async () => {
    await closedWithoutDisk();
    house.reopen();
    expect(house.coordinator.describe(sessionRow())).toMatchObject({ isBusy: false });
    await house.clock.advance(60_000);
    expect(statuses()).toEqual([]);
    house.breakDisk(false);
    await house.clock.advance(10_000);
    expect(statuses()).toEqual(["b: cancelled", "a: failed"]);
    expect([house.row("a").state, house.row("b").state]).toEqual(["completed", "completed"]);
    (await house.begin("s", { runId: "c" })).succeed();
    await house.clock.settle();
    expect(statuses().at(-1)).toBe("c: succeeded");
  });

  it("has it ended by whoever asks first, once there is room", async () => {
    await closedWithoutDisk();
    house.reopen();
    await house.clock.advance(5_000);
    house.breakDisk(false);
    house.coordinator.settle();
    expect(statuses()).toEqual(["b: cancelled", "a: failed"]);
  });

  it("writes what is owed at the end of the server", async () => {
    await closedWithoutDisk();
    house.breakDisk(false);
    await house.close();
    house = new CoordinatorHouse({ directory: folder.path, ids: house.ids });
    expect(statuses()).toEqual(["b: cancelled", "a: failed"]);
  });

  it("takes a disk that is well again at once", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.breakDisk();
    turn.throw(new Error("the disk"));
    await house.clock.advance(60_000);
    house.breakDisk(false);
    const closed = house.coordinator.close("shutdown");
    await house.clock.settle();
    await closed;
    expect(statuses()).toEqual(["a: failed"]);
  });
});

function sessionRow() {
  const row = house.sessions.find(workspaceId, "s");
  if (row === undefined) throw new Error("the session is gone");
  return row;
}
