import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Part } from "../../src/protocol/objects/message.js";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { CountingIds } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let ids: CountingIds;
const houses: CoordinatorHouse[] = [];

function open(): CoordinatorHouse {
  const house = new CoordinatorHouse({ directory: folder.path, ids });
  houses.push(house);
  return house;
}

function crash(house: CoordinatorHouse): void {
  houses.splice(houses.indexOf(house), 1);
  house.crash();
}

beforeEach(() => {
  folder = temporaryFolder();
  ids = new CountingIds();
});

afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
  folder.remove();
});

const statuses = (house: CoordinatorHouse) =>
  house.allCompletions().map(({ runId, status, cause }) => `${runId}: ${status} (${cause})`);

const partsOf = (house: CoordinatorHouse): Part[][] =>
  house.messages.list("s", -1).rows.map(({ parts }) => JSON.parse(parts ?? ""));

describe("what a dead server left", () => {
  it("becomes interrupted, in the order of acceptance, whatever its state", async () => {
    const dying = open();
    for (const id of ["s", "t", "u"]) dying.session(id);
    dying.accept("s", { runId: "a" });
    dying.accept("t", { runId: "b" });
    dying.accept("s", { runId: "c" });
    await dying.ready("t");
    dying.accept("t");
    dying.accept("u", { runId: "d" });
    dying.accept("s", { runId: "e" });
    crash(dying);
    expect(statuses(open())).toEqual(
      ["a", "b", "c", "d", "e"].map((id) => `${id}: interrupted (crash)`),
    );
  });

  it("becomes interrupted in the order of acceptance over all the servers that died", async () => {
    const [first, second, third] = [open(), open(), open()];
    const sessions = ["r", "s", "t", "u", "v"];
    for (const id of sessions) first.session(id);
    second.accept("r", { runId: "a" });
    third.accept("s", { runId: "b" });
    first.accept("t", { runId: "c" });
    second.accept("u", { runId: "d" });
    first.accept("v", { runId: "e" });
    third.accept("s", { runId: "f" });
    for (const dying of [first, second, third]) crash(dying);
    expect(statuses(open())).toEqual(
      ["a", "b", "c", "d", "e", "f"].map((id) => `${id}: interrupted (crash)`),
    );
  });

  it("is told in the log, and only where there was something", () => {
    const { log, messages } = recordingLog();
    const openLogged = () => {
      const house = new CoordinatorHouse({ directory: folder.path, ids, log });
      houses.push(house);
      return house;
    };
    const idle = openLogged();
    crash(idle);
    const dying = openLogged();
    expect(messages).toEqual([]);
    dying.session("s");
    dying.accept("s", { runId: "a" });
    crash(dying);
    openLogged();
    expect(messages).toEqual(["ended what a dead server had left open"]);
  });

  it("is told with what the run and its sub-tasks used, as the session counted it", async () => {
    const dying = open();
    dying.session("s");
    const turn = await dying.begin("s", { runId: "a" });
    const { sink } = turn.request;
    sink.addUsage({ promptTokens: 100, completionTokens: 10, cost: 0.5 });
    turn.request
      .openChild("look")
      .sink.addUsage({ promptTokens: 7, completionTokens: 3, cost: 0.25 });
    dying.accept("s", { runId: "b" });
    // As streamed text, it is on disk a quarter of a second later at most.
    await dying.clock.advance(250);
    crash(dying);
    const next = open();
    const used = { promptTokens: 107, completionTokens: 13, cost: 0.75 };
    expect(next.completion("a")).toMatchObject({ status: "interrupted", usage: used });
    expect(next.sessions.find(workspaceId, "s")).toMatchObject(used);
    expect(next.completion("b")).not.toHaveProperty("usage");
  });

  it("is interrupted once, even if two servers open the directory", async () => {
    const dying = open();
    dying.session("s");
    dying.accept("s", { runId: "a" });
    crash(dying);
    const [first, second] = [open(), open()];
    expect(statuses(first)).toEqual(["a: interrupted (crash)"]);
    expect(second.registry.dead()).toEqual([]);
    expect(second.completion("a")?.completionId).toBe(first.completion("a")?.completionId);
  });

  it("is run no second time when its runId comes again", async () => {
    const dying = open();
    dying.session("s");
    dying.accept("s", { runId: "a" });
    crash(dying);
    const next = open();
    expect(next.accept("s", { runId: "a" })).toMatchObject({
      isDuplicate: true,
      row: { state: "completed" },
    });
    await next.clock.settle();
    expect(next.engine.preparations).toHaveLength(0);
  });

  it("tells the text that had come, and the prompts that had joined", async () => {
    const dying = open();
    dying.session("s");
    const turn = await dying.begin("s", { runId: "a" });
    dying.accept("s", { text: "more" });
    turn.call();
    await dying.clock.settle();
    const reply = turn.request.sink.createMessage({ role: "assistant" });
    reply.append(reply.addPart({ type: "text", text: "" }), "half an ans");
    await dying.clock.advance(250);
    reply.append(0, "wer");
    crash(dying);
    expect(open().completion("a")).toMatchObject({
      status: "interrupted",
      cancelled: false,
      text: "half an ans",
      foldedPrompts: 1,
      messageId: reply.id,
    });
  });

  it("without a runId has a completion only if its turn had begun", async () => {
    const dying = open();
    for (const id of ["s", "t"]) dying.session(id);
    await dying.begin("s", { text: "begun" });
    dying.accept("t", { text: "not begun" });
    crash(dying);
    const completions = open().allCompletions();
    expect(completions).toMatchObject([{ sessionId: "s", status: "interrupted" }]);
  });

  it("is told to whoever sends it again to a server that was there already", async () => {
    const dying = open();
    dying.session("s");
    await dying.begin("s", { runId: "a" });
    const living = open();
    const { wire } = living.connect({ clientId: "client" });
    expect(living.accept("s", { runId: "a" })).toMatchObject({ row: { state: "running" } });
    crash(dying);
    expect(living.accept("s", { runId: "a" })).toMatchObject({ row: { state: "completed" } });
    await living.clock.settle();
    expect(wire).toMatchObject([{ method: "runComplete", params: { status: "interrupted" } }]);
  });

  it("does not hold its sessions", async () => {
    const dying = open();
    dying.session("s");
    await dying.begin("s", { runId: "a" });
    const living = open();
    expect(() => living.accept("s", { runId: "b" })).toThrow(/A turn runs on this session/);
    crash(dying);
    (await living.begin("s", { runId: "b" })).succeed();
    await living.clock.settle();
    expect(statuses(living)).toEqual(["a: interrupted (crash)", "b: succeeded (undefined)"]);
  });
});

describe("the history that a dead server left", () => {
  it("has a result for every tool call and a finish for every assistant message", async () => {
    const dying = open();
    dying.session("s");
    const { sink } = (await dying.begin("s", { runId: "a", text: "go" })).request;
    const reply = sink.createMessage({ role: "assistant" });
    const call = { type: "toolCall", name: "read", input: {}, state: "completed" } as const;
    const running = { type: "toolCall", name: "bash", input: {}, state: "running" } as const;
    reply.setPart(reply.addPart({ ...call, toolCallId: "1" }), { ...call, toolCallId: "1" });
    reply.setPart(reply.addPart({ ...running, toolCallId: "2" }), { ...running, toolCallId: "2" });
    reply.setPart(reply.addPart({ ...running, toolCallId: "3" }), { ...running, toolCallId: "3" });
    const results = sink.createMessage({
      role: "tool",
      parts: [
        { type: "toolResult", toolCallId: "1", name: "read", output: "text", isError: false },
        { type: "toolResult", toolCallId: "2", name: "bash", output: "half", isError: false },
      ],
    });
    expect(results.parts).toHaveLength(2);
    await dying.clock.settle();
    crash(dying);
    const [user, assistant, tool, added] = partsOf(open());
    expect(user).toEqual([{ type: "text", text: "go" }]);
    expect(assistant?.map((part) => ("state" in part ? part.state : part.type))).toEqual([
      ...["completed", "cancelled", "cancelled"],
      "finish",
    ]);
    expect(tool).toMatchObject([
      { toolCallId: "1", output: "text", isError: false },
      { toolCallId: "2", output: expect.stringMatching(/^half\n.*stopped/), isError: true },
    ]);
    expect(added).toMatchObject([{ type: "toolResult", toolCallId: "3", isError: true }]);
  });

  it("is left alone where nothing was open in it", async () => {
    const dying = open();
    dying.session("s");
    (await dying.begin("s", { runId: "a" })).succeed();
    await dying.clock.settle();
    dying.accept("s", { runId: "b" });
    const before = partsOf(dying);
    crash(dying);
    const next = open();
    expect(partsOf(next)).toEqual(before);
    expect(statuses(next)).toEqual(["a: succeeded (undefined)", "b: interrupted (crash)"]);
  });
});

describe("several living servers", () => {
  it("run one session in one of them, and every session somewhere", async () => {
    const [one, two] = [open(), open()];
    for (const id of ["s", "t"]) one.session(id);
    const turn = await one.begin("s", { runId: "a" });
    expect(() => two.accept("s", { runId: "b" })).toThrow(
      expect.objectContaining({ name: "SessionBusy", retryable: true }),
    );
    (await two.begin("t", { runId: "c" })).succeed();
    await two.clock.settle();
    turn.succeed();
    await one.clock.settle();
    (await two.begin("s", { runId: "b" })).succeed();
    await two.clock.settle();
    expect(statuses(one)).toEqual(["c", "a", "b"].map((id) => `${id}: succeeded (undefined)`));
  });

  it("are not touched by another's start", async () => {
    const one = open();
    one.session("s");
    const turn = await one.begin("s", { runId: "a" });
    one.accept("s", { runId: "b" });
    const two = open();
    expect(two.allCompletions()).toEqual([]);
    expect(two.row("a").state).toBe("running");
    turn.succeed();
    await one.clock.settle();
    expect(statuses(two)).toEqual(["a: succeeded (undefined)"]);
  });

  it("refuse what they cannot do to another's turn, and can read it", async () => {
    const [one, two] = [open(), open()];
    one.session("s");
    await one.begin("s", { runId: "a" });
    one.accept("s", { runId: "b" });
    const busy = expect.objectContaining({ name: "SessionBusy" });
    expect(() => two.coordinator.cancelSession("s")).toThrow(busy);
    expect(() => two.coordinator.cancelRun(two.row("a"))).toThrow(busy);
    expect(() => two.coordinator.deleteSessions(["s"])).toThrow(busy);
    const row = two.sessions.find(workspaceId, "s");
    expect(row && two.coordinator.describe(row)).toMatchObject({ isBusy: true, queuedPrompts: 1 });
  });

  it("take a runId that both were sent for one run", async () => {
    const [one, two] = [open(), open()];
    one.session("s");
    one.accept("s", { runId: "a" });
    expect(two.accept("s", { runId: "a" })).toMatchObject({
      isDuplicate: true,
      run: undefined,
      row: { state: "accepted" },
    });
  });

  it("take it for one run also where one looked before the other had written", async () => {
    const [one, two] = [open(), open()];
    one.session("s");
    // The other server's acceptance falls between this one's look and its write.
    const { durable } = two.database;
    two.database.durable = <T>(work: () => T): T => {
      two.database.durable = durable;
      one.accept("s", { runId: "a" });
      return two.database.durable(work);
    };
    expect(two.accept("s", { runId: "a" })).toMatchObject({ isDuplicate: true });
    expect(two.coordinator.isBusy).toBe(false);
  });
});
