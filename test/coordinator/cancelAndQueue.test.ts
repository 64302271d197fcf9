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
const eventNames = () => house.told.map(({ method }) => method);

describe("a cancel", () => {
  it("after acceptance and before the turn begins stores both messages and calls no model", async () => {
    house.accept("s", { runId: "a", text: "hi" });
    expect(house.coordinator.cancelSession("s")).toEqual([{ runId: "a", was: "accepted" }]);
    await house.clock.settle();
    expect(house.allCompletions()).toMatchObject([
      { runId: "a", status: "cancelled", cancelled: true, cause: "user" },
    ]);
    expect(house.transcript("s")).toEqual(["user: hi", "assistant: [cancelled]"]);
    expect(house.engine.preparations).toHaveLength(0);
    expect(house.engine.turns).toHaveLength(0);
    expect(eventNames()).not.toContain("agentError");
  });

  it("reaches a run that is being made ready", async () => {
    house.accept("s", { runId: "a", text: "hi" });
    await house.clock.settle();
    expect(house.engine.preparing.signal.aborted).toBe(false);
    house.coordinator.cancelSession("s");
    await house.clock.settle();
    expect(statuses()).toEqual(["a: cancelled"]);
    expect(house.transcript("s")).toEqual(["user: hi", "assistant: [cancelled]"]);
    expect(house.engine.turns).toHaveLength(0);
  });

  it("that comes in the step in which the run gets ready still comes before the turn", async () => {
    house.accept("s", { runId: "a" });
    await house.clock.settle();
    house.engine.preparing.ready();
    house.coordinator.cancelSession("s");
    await house.clock.settle();
    expect(statuses()).toEqual(["a: cancelled"]);
    expect(house.engine.turns).toHaveLength(0);
  });

  it("covers every prompt accepted by then, and none accepted later", async () => {
    house.engine.stopsAtOnce = false;
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    house.accept("s");
    expect(house.coordinator.cancelSession("s")).toEqual([
      { runId: "a", was: "running" },
      { runId: "b", was: "queued" },
      { was: "queued" },
    ]);
    house.accept("s", { runId: "c" });
    expect(statuses()).toEqual(["b: cancelled"]);
    turn.stop();
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["b: cancelled", "a: cancelled", "c: succeeded"]);
    expect(house.engine.turns).toHaveLength(2);
  });

  it("leaves the session busy until the turn has really ended", async () => {
    house.engine.stopsAtOnce = false;
    const turn = await house.begin("s", { runId: "a" });
    house.coordinator.cancelSession("s");
    await house.clock.advance(60_000);
    expect(statuses()).toEqual([]);
    expect(house.coordinator.describe(sessionRow()).isBusy).toBe(true);
    turn.stop();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: cancelled"]);
    expect(house.coordinator.describe(sessionRow()).isBusy).toBe(false);
  });

  it("of an idle session poisons nothing", async () => {
    expect(house.coordinator.cancelSession("s")).toEqual([]);
    (await house.begin("s", { runId: "a" })).succeed();
    await house.clock.settle();
    expect(house.coordinator.cancelSession("s")).toEqual([]);
    (await house.begin("s", { runId: "b" })).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: succeeded"]);
  });

  it("that is the second changes nothing", async () => {
    house.engine.stopsAtOnce = false;
    const turn = await house.begin("s", { runId: "a" });
    house.coordinator.cancelSession("s");
    expect(house.coordinator.cancelSession("s")).toEqual([]);
    turn.stop();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: cancelled"]);
  });

  it("that comes when the turn has said its last word leaves it as it ended", async () => {
    const turn = await house.begin("s", { runId: "a" });
    turn.succeed("done");
    house.coordinator.cancelSession("s");
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded"]);
  });

  it("of one run leaves the others", async () => {
    const turn = await house.begin("s", { runId: "a" });
    for (const runId of ["b", "c"]) house.accept("s", { runId });
    expect(house.coordinator.cancelRun(house.row("b"))).toBe("cancelledBeforeStart");
    expect(house.coordinator.cancelRun(house.row("b"))).toBe("alreadyCompleted");
    expect(house.coordinator.cancelRun(house.row("a"))).toBe("stopping");
    await house.clock.settle();
    expect(turn.isOver).toBe(true);
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["b: cancelled", "a: cancelled", "c: succeeded"]);
  });
});

describe("a queue", () => {
  it("folds prompts without runId into the running turn at its next model call, in order", async () => {
    const turn = await house.begin("s", { runId: "a", text: "one" });
    for (const text of ["two", "three"]) house.accept("s", { text });
    expect(house.coordinator.queue.prompts("s").map(({ text }) => text)).toEqual(["two", "three"]);
    turn.call();
    await house.clock.settle();
    expect(turn.folded).toEqual([[], ["two", "three"]]);
    expect(house.coordinator.queue.prompts("s").map(({ text }) => text)).toEqual([]);
    turn.succeed("all");
    await house.clock.settle();
    expect(house.allCompletions()).toMatchObject([{ runId: "a", foldedPrompts: 2 }]);
    expect(house.transcript("s")).toEqual([
      ...["user: one", "user: two", "user: three"],
      "assistant: all [endTurn]",
    ]);
  });

  it("makes prompts with a runId turns of their own, in order", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b", text: "b" });
    house.accept("s", { text: "plain" });
    house.accept("s", { runId: "c", text: "c" });
    turn.call();
    await house.clock.settle();
    expect(house.coordinator.queue.prompts("s").map(({ text }) => text)).toEqual(["b", "c"]);
    turn.succeed();
    const second = await house.ready("s");
    expect(statuses()).toEqual(["a: succeeded"]);
    expect(second.text).toBe("b");
    second.succeed();
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded", "b: succeeded", "c: succeeded"]);
  });

  it("begins the next turn with all that is left without runId, as one", async () => {
    const turn = await house.begin("s", { runId: "a" });
    for (const text of ["two", "three"]) house.accept("s", { text });
    turn.succeed();
    const next = await house.ready("s");
    expect([next.text, next.folded]).toEqual(["two", [["three"]]]);
    next.succeed();
    await house.clock.settle();
    expect(house.allCompletions()).toMatchObject([
      { runId: "a", foldedPrompts: 0 },
      { foldedPrompts: 1 },
    ]);
  });

  it("is handed over to by a turn that was cancelled alone", async () => {
    await house.begin("s", { runId: "a" });
    house.accept("s", { text: "next" });
    house.coordinator.cancelRun(house.row("a"));
    await house.clock.settle();
    expect((await house.ready("s")).text).toBe("next");
  });

  it("that is cleared gives a waiting runId a cancelled completion", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    house.accept("s");
    expect(house.coordinator.queue.clear("s")).toBe(2);
    expect(statuses()).toEqual(["b: cancelled"]);
    turn.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["b: cancelled", "a: succeeded"]);
    expect(house.coordinator.queue.clear("s")).toBe(0);
  });

  it("says that it is full at 1,000", async () => {
    house.accept("s");
    for (let n = 0; n < 1000; n++) house.accept("s");
    expect(() => house.accept("s", { runId: "x" })).toThrow(/1000 prompts are queued/);
    expect(house.runs.find(workspaceId, "x")).toBeUndefined();
    house.coordinator.cancelSession("s");
    await house.clock.settle();
    expect(house.coordinator.isBusy).toBe(false);
  });
});

function sessionRow() {
  const row = house.sessions.find(workspaceId, "s");
  if (row === undefined) throw new Error("the session is gone");
  return row;
}

describe("the queue of a session", () => {
  const mebibytes = (count: number) => "x".repeat(count * 1024 * 1024);

  it("takes 64 MiB of prompts, and one larger one by itself", async () => {
    await house.begin("s", { runId: "running", text: mebibytes(20) });
    for (const runId of ["a", "b", "c"]) house.accept("s", { runId, text: mebibytes(20) });
    expect(() => house.accept("s", { runId: "d", text: mebibytes(5) })).toThrow(/64\.0 MiB/);
    expect(house.runs.find(workspaceId, "d")).toBeUndefined();
    house.accept("s", { runId: "e", text: "short" });
    expect(house.accept("s", { runId: "c", text: mebibytes(20) }).isDuplicate).toBe(true);
    house.coordinator.queue.clear("s");
    house.accept("s", { runId: "f", text: mebibytes(70) });
    expect(() => house.accept("s", { runId: "g", text: "short" })).toThrow(/64\.0 MiB/);
  });

  it("counts the bytes of a text, not its characters, and what is attached", async () => {
    await house.begin("s", { runId: "running" });
    house.accept("s", { runId: "a", text: "汉".repeat(15 * 1024 * 1024) });
    const data = Buffer.alloc(18 * 1024 * 1024);
    const attachments = [{ name: "a", mimeType: "image/png", data }];
    expect(house.join("s", { runId: "b", attachments }).error).toBeUndefined();
    house.coordinator.settle();
    expect(() => house.accept("s", { runId: "c", attachments })).toThrow(/64\.0 MiB/);
  });

  it("takes no more where the prompts of the workspace hold 256 MiB, which holds up no other session", async () => {
    const text = mebibytes(60);
    for (const id of ["t", "u", "v", "w"]) {
      house.session(id);
      house.accept(id, { runId: id, text });
    }
    house.session("x");
    house.accept("x", { runId: "x", text });
    expect(() => house.accept("t", { runId: "t2", text: "short" })).toThrow(/256\.0 MiB/);
  });
});
