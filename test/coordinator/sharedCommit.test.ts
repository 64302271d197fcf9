// Prompts that are accepted together (protocol.md section 4): one commit for all, and nobody sees one of
// them half accepted.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";
import { promisesHaveRun } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;
/** How many times something was written since the last look. */
let writes: number;

beforeEach(() => {
  folder = temporaryFolder();
  house = new CoordinatorHouse({ directory: folder.path });
  for (const id of ["s", "t", "u"]) house.session(id);
  writes = 0;
  house.database.onWritten(() => writes++);
});
afterEach(async () => {
  await house.close();
  folder.remove();
});

const statuses = () => house.allCompletions().map(({ runId, status }) => `${runId}: ${status}`);

describe("prompts that come together", () => {
  it("are accepted in one commit, each on its session", () => {
    const told = ["s", "t", "u"].map((id) => house.join(id, { runId: id }));
    expect(told).toEqual([{}, {}, {}]);
    house.coordinator.settle();
    expect(told).toMatchObject([...Array(3)].map(() => ({ acceptance: { isDuplicate: false } })));
    expect(writes).toBe(1);
    expect(["s", "t", "u"].map((id) => house.row(id).position)).toEqual([1, 2, 3]);
  });

  it("are accepted without anybody's asking", async () => {
    const told = house.join("s", { runId: "a" });
    await house.clock.settle();
    expect(told).toMatchObject({ acceptance: { isDuplicate: false } });
    expect(house.engine.preparations).toHaveLength(1);
  });

  it("on one session are a turn and its queue", () => {
    const [first, second] = ["a", "b"].map((runId) => house.join("s", { runId, text: runId }));
    expect(first).toMatchObject({ acceptance: { isDuplicate: false } });
    expect(house.coordinator.queue.prompts("s").map(({ text }) => text)).toEqual(["b"]);
    expect(second).toMatchObject({ acceptance: { isDuplicate: false } });
    expect(house.row("a").state).toBe("accepted");
    expect(house.row("b").state).toBe("queued");
  });

  it("with one runId are one run, and a conflict on another session", () => {
    house.join("s", { runId: "a" });
    const again = house.join("s", { runId: "a" });
    const elsewhere = house.join("t", { runId: "a" });
    house.coordinator.settle();
    expect(again).toMatchObject({ acceptance: { isDuplicate: true, row: { state: "accepted" } } });
    expect(elsewhere.error).toMatchObject({ name: "RunIdConflict" });
  });

  it("with one runId on two sessions at once are one run and a conflict", () => {
    const told = ["s", "t"].map((id) => house.join(id, { runId: "a" }));
    house.coordinator.settle();
    expect(told[0]).toMatchObject({ acceptance: { isDuplicate: false } });
    expect(told[1]?.error).toMatchObject({ name: "RunIdConflict" });
    expect(house.coordinator.describe(sessionRow("t")).isBusy).toBe(false);
  });

  it("are refused together by a disk that fails, and nothing has happened", async () => {
    const told = ["s", "t"].map((id) => house.join(id, { runId: id }));
    house.breakDisk();
    await house.clock.settle();
    house.breakDisk(false);
    for (const { error } of told) expect(error).toMatchObject({ name: "StorageFailed" });
    expect(house.coordinator.isBusy).toBe(false);
    expect(house.runs.find(workspaceId, "s")).toBeUndefined();
    expect(house.engine.preparations).toHaveLength(0);
  });

  it("do not suffer from one whose session is gone", () => {
    const told = ["s", "t", "u"].map((id) => house.join(id, { runId: id }));
    house.sessions.delete(["t"]);
    house.coordinator.settle();
    expect(told[0]).toMatchObject({ acceptance: { isDuplicate: false } });
    expect(told[1]?.error).toMatchObject({ name: "SessionNotFound" });
    expect(told[2]).toMatchObject({ acceptance: { isDuplicate: false } });
  });
});

describe("a prompt that is being accepted is found by", () => {
  beforeEach(() => {
    house.join("s", { runId: "a", text: "hi" });
  });

  it("a cancel of its session", async () => {
    expect(house.coordinator.cancelSession("s")).toEqual([{ runId: "a", was: "accepted" }]);
    await house.clock.settle();
    expect(statuses()).toEqual(["a: cancelled"]);
  });

  it("the clearing of its session's queue", async () => {
    house.join("s", { runId: "b" });
    expect(house.coordinator.queue.clear("s")).toBe(1);
    expect(statuses()).toEqual(["b: cancelled"]);
  });

  it("whoever asks whether the session or the workspace is busy", () => {
    expect(house.coordinator.isBusy).toBe(true);
    expect(house.coordinator.describe(sessionRow("s")).isBusy).toBe(true);
    expect(() => house.coordinator.deleteSessions(["s"])).toThrow(/A turn runs on this session/);
  });

  it("whoever waits for the end", async () => {
    let isIdle = false;
    void house.coordinator.whenIdle().then(() => {
      isIdle = true;
    });
    (await house.ready("s")).succeed();
    expect(isIdle).toBe(false);
    await house.clock.settle();
    expect(isIdle).toBe(true);
  });

  it("the closing of its workspace", async () => {
    const closed = house.coordinator.close("deleted");
    await house.clock.settle();
    await closed;
    expect(house.completion("a")).toMatchObject({ status: "cancelled", cause: "deleted" });
    house.reopen();
  });

  it("a summary, which is refused", () => {
    expect(() => house.accept("s", { kind: "summary" })).toThrow(/A turn runs on this session/);
  });
});

describe("a turn's end and a prompt in one breath", () => {
  it("hand over the session: the prompt's turn follows", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.join("s", { runId: "b" });
    turn.succeed();
    await house.clock.settle();
    expect(house.row("b").state).toBe("accepted");
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: succeeded"]);
  });

  it("the other way round, leave the session idle in between", async () => {
    (await house.begin("s", { runId: "a" })).succeed();
    await promisesHaveRun();
    expect(statuses()).toEqual([]);
    house.join("s", { runId: "b" });
    expect(statuses()).toEqual(["a: succeeded"]);
    house.coordinator.settle();
    expect(house.row("b").state).toBe("accepted");
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: succeeded"]);
  });

  it("on different sessions share one commit", async () => {
    const turns = [await house.begin("s", { runId: "a" }), await house.begin("t", { runId: "b" })];
    for (const turn of turns) turn.succeed();
    await promisesHaveRun();
    house.join("u", { runId: "c" });
    writes = 0;
    house.coordinator.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: succeeded"]);
    expect(house.row("c").state).toBe("accepted");
    expect(writes).toBe(1);
  });
});

describe("between a turn's end and its commit", () => {
  const lastTold = (id: string) =>
    house.told.findLast(({ method, params }) => {
      return method === "sessionUpdated" && params.sessionId === id;
    })?.params;

  it("a title that arrives is not told with a turn that is over", async () => {
    const title = new Deferred<string>();
    house.engine.title = () => title.promise;
    house.sessions.setTitle("s", "", house.clock.now());
    (await house.begin("s", { runId: "a" })).succeed();
    await promisesHaveRun();
    title.resolve("A title");
    await promisesHaveRun();
    expect(lastTold("s")).toMatchObject({ session: { title: "A title", isBusy: false } });
    expect(statuses()).toEqual(["a: succeeded"]);
  });

  it("a cancel finds the queue's next turn, and the session is told idle in the end", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    turn.succeed();
    await promisesHaveRun();
    expect(lastTold("s")).toMatchObject({ session: { isBusy: true } });
    expect(house.coordinator.cancelSession("s")).toEqual([{ runId: "b", was: "accepted" }]);
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: cancelled"]);
    expect(lastTold("s")).toMatchObject({ session: { isBusy: false } });
  });

  it("the session is not busy for whoever asks", async () => {
    (await house.begin("s", { runId: "a" })).succeed();
    await promisesHaveRun();
    expect(house.coordinator.describe(sessionRow("s")).isBusy).toBe(false);
  });

  it("a sub-task's session takes a prompt", async () => {
    const turn = await house.begin("s", { runId: "a" });
    const child = turn.request.openChild("part of it");
    child.sink.createMessage({ role: "assistant" }).finish("endTurn");
    turn.succeed();
    await promisesHaveRun();
    const told = house.join(child.sessionId, { runId: "b" });
    house.coordinator.settle();
    expect(told.error).toBeUndefined();
    (await house.ready(child.sessionId)).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: succeeded"]);
  });

  it("a queue that was cancelled while the disk refused leaves the session told idle", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    house.database
      .prepare(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON completions WHEN NEW.body LIKE '%\"a\"%' BEGIN SELECT RAISE(ABORT, 'full'); END",
      )
      .run();
    turn.succeed();
    await house.clock.settle();
    expect(house.coordinator.queue.clear("s")).toBe(1);
    house.database.prepare("DROP TRIGGER full").run();
    await house.clock.advance(10_000);
    expect(statuses()).toEqual(["b: cancelled", "a: succeeded"]);
    expect(lastTold("s")).toMatchObject({ session: { isBusy: false } });
  });
});

describe("an end that the disk has refused", () => {
  async function refused(): Promise<void> {
    const turn = await house.begin("s", { runId: "a" });
    house.breakDisk();
    turn.throw(new Error("the disk"));
    await house.clock.settle();
  }

  it("hands over to a prompt that came just before it is tried again", async () => {
    await refused();
    house.breakDisk(false);
    house.join("s", { runId: "b" });
    house.clock.fireNext();
    await house.clock.settle();
    expect(house.row("b").state).toBe("accepted");
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: failed", "b: succeeded"]);
  });

  it("has three tries at closing, also where one is under way", async () => {
    await refused();
    await house.clock.advance(60_000);
    house.clock.fireNext();
    const closed = house.coordinator.close("shutdown");
    await house.clock.settle();
    house.breakDisk(false);
    await house.clock.advance(10_000);
    await closed;
    expect(statuses()).toEqual(["a: failed"]);
  });
});

describe("a prompt for a session whose turn is about to call its model", () => {
  it("joins that call", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.join("s", { text: "more" });
    turn.call();
    await house.clock.settle();
    expect(turn.folded).toEqual([[], ["more"]]);
  });
});

function sessionRow(id: string) {
  const row = house.sessions.find(workspaceId, id);
  if (row === undefined) throw new Error(`no session ${id}`);
  return row;
}
