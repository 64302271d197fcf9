import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { DomainError } from "../../src/base/errors.js";
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

describe("a run that is accepted", () => {
  it("is on disk before the answer, and does nothing before it", () => {
    house.accept("s", { runId: "a" });
    expect(house.row("a").state).toBe("accepted");
    expect(house.engine.preparations).toHaveLength(0);
    expect(house.coordinator.describe(sessionRow()).isBusy).toBe(true);
  });

  it("runs, and ends with one completion that says what the model said", async () => {
    const turn = await house.begin("s", { runId: "a", text: "hi" });
    expect(house.row("a")).toMatchObject({ state: "running", hasBegun: true });
    turn.succeed("hello");
    await house.clock.settle();
    expect(house.allCompletions()).toEqual([
      expect.objectContaining({
        runId: "a",
        status: "succeeded",
        cancelled: false,
        text: "hello",
        foldedPrompts: 0,
        messageId: house.messages.list("s", -1).rows.at(-1)?.id,
      }),
    ]);
    expect(house.row("a").state).toBe("completed");
    expect(house.transcript("s")).toEqual(["user: hi", "assistant: hello [endTurn]"]);
    expect(house.coordinator.isBusy).toBe(false);
  });

  it("without a runId has a completion once its turn has begun", async () => {
    const turn = await house.begin("s");
    turn.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["undefined: succeeded"]);
  });

  it("tells every event of its own before its completion", async () => {
    const turn = await house.begin("s", { runId: "a" });
    turn.succeed();
    await house.clock.settle();
    const at = eventNames().indexOf("committed");
    expect(eventNames().slice(0, at)).toEqual(
      expect.arrayContaining(["messageCreated", "messageUpdated", "agentFinished"]),
    );
    expect(eventNames().slice(at + 1)).toEqual([]);
  });
});

describe("a run that fails before its turn begins", () => {
  const error = new DomainError("ModelNotConfigured", "The model is gone.");

  it("gives agentError, and with a runId exactly one failed runComplete", async () => {
    house.accept("s", { runId: "a" });
    await house.clock.settle();
    house.engine.preparing.fail(error);
    await house.clock.settle();
    expect(house.allCompletions()).toEqual([
      expect.objectContaining({
        runId: "a",
        status: "failed",
        error: "The model is gone.",
        errorName: "ModelNotConfigured",
      }),
    ]);
    expect(house.told.filter(({ method }) => method === "agentError")).toEqual([
      {
        method: "agentError",
        params: {
          workspaceId,
          sessionId: "s",
          runId: "a",
          message: "The model is gone.",
          name: "ModelNotConfigured",
        },
      },
    ]);
  });

  it("without a runId gives agentError alone", async () => {
    house.accept("s");
    await house.clock.settle();
    house.engine.preparing.fail(error);
    await house.clock.settle();
    expect(house.allCompletions()).toEqual([]);
    expect(eventNames().filter((name) => name === "agentError")).toHaveLength(1);
    expect(house.coordinator.isBusy).toBe(false);
  });

  it("hands over to the queue", async () => {
    house.accept("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    await house.clock.settle();
    house.engine.preparing.fail(error);
    const turn = await house.ready("s");
    turn.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: failed", "b: succeeded"]);
  });

  it("unexpectedly, tells no internal text", async () => {
    house.accept("s", { runId: "a" });
    await house.clock.settle();
    house.engine.preparing.fail(new Error("at /secret/place"));
    await house.clock.settle();
    const [completion] = house.allCompletions();
    expect(completion).toMatchObject({ status: "failed", errorName: "InternalError" });
    expect(completion?.error).toMatch(/the log has it as err_\d+/);
    expect(JSON.stringify(completion)).not.toContain("secret");
  });
});

describe("a turn that fails by itself", () => {
  it("tells its outcome once, with the runId of the run that had it", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    turn.fail("overloaded");
    await house.clock.settle();
    expect(statuses()).toEqual(["a: failed"]);
    const errors = house.told.filter(({ method }) => method === "agentError");
    expect(errors).toMatchObject([{ params: { runId: "a", message: "overloaded" } }]);
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: failed", "b: succeeded"]);
  });

  it("unexpectedly, is failed and poisons nothing", async () => {
    const turn = await house.begin("s", { runId: "a" });
    turn.throw(new Error("a bug"));
    await house.clock.settle();
    expect(statuses()).toEqual(["a: failed"]);
    (await house.begin("s", { runId: "b" })).succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["a: failed", "b: succeeded"]);
  });
});

describe("two turns", () => {
  it("never run on one session", async () => {
    await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    await house.clock.settle();
    expect(house.engine.preparations).toHaveLength(1);
    expect(house.engine.live("s")).toHaveLength(1);
  });

  it("run side by side on two sessions", async () => {
    house.session("t");
    const first = await house.begin("s", { runId: "a" });
    const second = await house.begin("t", { runId: "b" });
    expect(house.engine.live()).toEqual([first, second]);
    second.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["b: succeeded"]);
    first.succeed();
    await house.clock.settle();
    expect(statuses()).toEqual(["b: succeeded", "a: succeeded"]);
  });
});

describe("a repeated runId", () => {
  it("is answered with its state, and runs once", async () => {
    const turn = await house.begin("s", { runId: "a", text: "hi" });
    const again = house.accept("s", { runId: "a", text: "hi" });
    expect(again).toMatchObject({ isDuplicate: true, row: { state: "running" } });
    turn.succeed();
    await house.clock.settle();
    expect(house.accept("s", { runId: "a", text: "hi" })).toMatchObject({
      isDuplicate: true,
      row: { state: "completed" },
    });
    await house.clock.settle();
    expect(statuses()).toEqual(["a: succeeded"]);
    expect(house.engine.turns).toHaveLength(1);
  });

  it("with another prompt, session or kind is RunIdConflict", async () => {
    house.session("t");
    house.accept("s", { runId: "a", text: "hi" });
    for (const [session, sent] of [
      ["s", { text: "ho" }],
      ["t", { text: "hi" }],
      ["s", { text: "hi", kind: "summary" }],
    ] as const) {
      expect(() => house.accept(session, { ...sent, runId: "a" })).toThrow(/was accepted before/);
    }
  });
});

describe("a summary", () => {
  it("is a turn: the session is busy, prompts wait behind it and are not folded into it", async () => {
    house.accept("s", { kind: "summary", runId: "sum" });
    const turn = await house.ready("s");
    expect(() => house.accept("s", { kind: "summary" })).toThrow(
      expect.objectContaining({ name: "SessionBusy" }),
    );
    house.accept("s", { text: "later" });
    turn.call();
    await house.clock.settle();
    expect(house.coordinator.queue.prompts("s").map(({ text }) => text)).toEqual(["later"]);
    turn.succeed("in short");
    const next = await house.ready("s");
    expect(next.text).toBe("later");
    expect(next.request.history).toMatchObject([{ isSummary: true }]);
    expect(statuses()).toEqual(["sum: succeeded"]);
  });

  it("that is cancelled leaves the session as before", async () => {
    house.accept("s", { kind: "summary", runId: "sum" });
    await house.ready("s");
    house.coordinator.cancelSession("s");
    await house.clock.settle();
    expect(statuses()).toEqual(["sum: cancelled"]);
    expect(house.transcript("s")).toEqual([]);
    expect(sessionRow().summaryMessageId).toBeUndefined();
  });
});

describe("closing a workspace", () => {
  it("cancels, waits for the turns, and drops what is queued", async () => {
    house.engine.stopsAtOnce = false;
    house.session("t");
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    house.accept("t", { runId: "c" });
    let isClosed = false;
    const closed = house.coordinator.close("deleted").then(() => {
      isClosed = true;
    });
    await house.clock.settle();
    expect(statuses()).toEqual(["b: cancelled", "c: cancelled"]);
    expect(isClosed).toBe(false);
    turn.stop();
    await house.clock.settle();
    await closed;
    expect(house.allCompletions().map(({ runId, cause }) => [runId, cause])).toEqual([
      ["b", "deleted"],
      ["c", "deleted"],
      ["a", "deleted"],
    ]);
    house.reopen();
  });

  it("does not wait for a title that nobody gives", async () => {
    house.sessions.setTitle("s", "", 0);
    let signalOfTitle: AbortSignal | undefined;
    house.engine.title = (signal) => {
      signalOfTitle = signal;
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    };
    (await house.begin("s", { text: "name me" })).succeed();
    await house.clock.settle();
    expect(sessionRow().title).toBe("name me");
    await house.coordinator.close("shutdown");
    expect(signalOfTitle?.aborted).toBe(true);
    house.reopen();
  });

  it("ends after what still asks for a title has ended", async () => {
    house.sessions.setTitle("s", "", 0);
    const ended = new Deferred<undefined>();
    house.engine.title = () => ended.promise;
    (await house.begin("s", { text: "name me" })).succeed();
    await house.clock.settle();
    let isClosed = false;
    const closed = house.coordinator.close("shutdown").then(() => {
      isClosed = true;
    });
    await house.clock.settle();
    expect(isClosed).toBe(false);
    ended.resolve(undefined);
    await closed;
    house.reopen();
  });
});

function sessionRow() {
  const row = house.sessions.find(workspaceId, "s");
  if (row === undefined) throw new Error("the session is gone");
  return row;
}
