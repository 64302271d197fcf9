import { afterEach, beforeEach, expect, it } from "vitest";
import type { ChildSession } from "../../src/engine/engine.js";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";
import type { GatedTurn } from "../helpers/gatedEngine.js";
import { CountingIds } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let ids: CountingIds;
const houses: CoordinatorHouse[] = [];

function open(): CoordinatorHouse {
  const house = new CoordinatorHouse({ directory: folder.path, ids });
  houses.push(house);
  return house;
}

beforeEach(() => {
  folder = temporaryFolder();
  ids = new CountingIds();
});

afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
  folder.remove();
});

/** A turn with a sub-task that has been given its prompt. */
async function begin(house: CoordinatorHouse): Promise<{ turn: GatedTurn; child: ChildSession }> {
  house.session("s");
  const turn = await house.begin("s", { runId: "a" });
  const child = turn.request.openChild("look around");
  child.sink.createMessage({ role: "user", parts: [{ type: "text", text: "Look." }] });
  await house.clock.settle();
  return { turn, child };
}

const used = { promptTokens: 10, completionTokens: 5, cost: 0.25 };

it("has a session of its own below its parent's", async () => {
  const house = open();
  const { child } = await begin(house);
  expect(house.sessions.find(workspaceId, child.sessionId)).toMatchObject({
    parentSessionId: "s",
    title: "look around",
    messageCount: 1,
  });
  expect(house.transcript(child.sessionId)).toEqual(["user: Look."]);
  expect(house.transcript("s")).toEqual(["user: hello"]);
});

it("tells its events under its own session, without the run's id, before the completion", async () => {
  const house = open();
  const { turn, child } = await begin(house);
  const reply = child.sink.createMessage({ role: "assistant" });
  reply.append(reply.addPart({ type: "text", text: "" }), "Found.");
  reply.finish("endTurn");
  turn.succeed();
  await house.clock.settle();
  const told = house.told.map(({ method, params }) => ({ method, ...params }));
  const its = told.filter((event) => "sessionId" in event && event.sessionId === child.sessionId);
  expect(its.map(({ method }) => method)).toEqual([
    "sessionUpdated",
    "messageCreated",
    "messageCreated",
    "messageDelta",
    "messageUpdated",
    "sessionUpdated",
  ]);
  expect(its.filter((event) => "runId" in event)).toEqual([]);
  expect(told.filter(({ method }) => method === "committed")).toHaveLength(1);
  expect(told.at(-1)?.method).toBe("committed");
  expect(house.allCompletions()).toHaveLength(1);
});

it("counts what it uses for itself, for its parent and in the completion", async () => {
  const house = open();
  const { turn, child } = await begin(house);
  child.sink.addUsage(used);
  turn.request.sink.addUsage(used);
  turn.succeed();
  await house.clock.settle();
  expect(house.sessions.find(workspaceId, child.sessionId)).toMatchObject(used);
  const both = { promptTokens: 20, completionTokens: 10, cost: 0.5 };
  expect(house.sessions.find(workspaceId, "s")).toMatchObject(both);
  expect(house.completion("a")?.usage).toEqual(both);
});

it("takes no prompts that wait for its parent", async () => {
  const house = open();
  const { turn, child } = await begin(house);
  house.accept("s", { text: "more" });
  expect(child.sink.takeFolded()).toEqual([]);
  turn.call();
  await house.clock.settle();
  expect(turn.folded.at(-1)).toEqual(["more"]);
});

it("is busy until its parent's turn ends, and takes prompts after that", async () => {
  const house = open();
  const { turn, child } = await begin(house);
  const second = open();
  for (const one of [house, second]) {
    const row = one.sessions.find(workspaceId, child.sessionId);
    expect(row && one.coordinator.describe(row).isBusy).toBe(true);
    const busy = expect.objectContaining({ name: "SessionBusy" });
    expect(() => one.accept(child.sessionId)).toThrow(busy);
    expect(() => one.coordinator.deleteSessions([child.sessionId])).toThrow(busy);
  }
  turn.succeed();
  await house.clock.settle();
  const row = house.sessions.find(workspaceId, child.sessionId);
  expect(row && house.coordinator.describe(row).isBusy).toBe(false);
  expect(house.told).toContainEqual({
    method: "sessionUpdated",
    params: expect.objectContaining({
      sessionId: child.sessionId,
      session: expect.objectContaining({ isBusy: false }),
    }),
  });
  expect(() => house.accept(child.sessionId)).not.toThrow();
});

it("has what streams on disk when somebody reads it, and at the turn's end", async () => {
  const house = open();
  const { turn, child } = await begin(house);
  const reply = child.sink.createMessage({ role: "assistant" });
  const part = reply.addPart({ type: "text", text: "" });
  reply.append(part, "Half");
  house.coordinator.live.flush(child.sessionId);
  expect(house.transcript(child.sessionId)).toContain("assistant: Half");
  reply.append(part, " done");
  turn.succeed();
  await house.clock.settle();
  expect(house.transcript(child.sessionId)).toContain("assistant: Half done");
});

it("is repaired with its parent's run after a crash", async () => {
  const dying = open();
  const { child } = await begin(dying);
  const reply = child.sink.createMessage({ role: "assistant" });
  const call = { type: "toolCall", toolCallId: "c", name: "grep", input: {} } as const;
  reply.setPart(reply.addPart({ ...call, state: "pending" }), { ...call, state: "running" });
  houses.splice(houses.indexOf(dying), 1);
  dying.crash();
  const next = new CoordinatorHouse({ directory: folder.path, ids });
  houses.push(next);
  expect(next.completion("a")).toMatchObject({ status: "interrupted" });
  const parts = next.messages
    .list(child.sessionId, -1)
    .rows.map((row) => [row.role, JSON.parse(row.parts ?? "")]);
  expect(parts).toMatchObject([
    ["user", [{ text: "Look." }]],
    [
      "assistant",
      [
        { toolCallId: "c", state: "cancelled" },
        { type: "finish", reason: "error" },
      ],
    ],
    ["tool", [{ type: "toolResult", toolCallId: "c", isError: true }]],
  ]);
  const row = next.sessions.find(workspaceId, child.sessionId);
  expect(row && next.coordinator.describe(row).isBusy).toBe(false);
});

it("goes with its parent, and its own sub-tasks with it", () => {
  const house = open();
  const make = (id: string, parentSessionId: string | undefined) =>
    house.sessions.insert({ id, workspaceId, parentSessionId, title: "", createdAt: 0 });
  make("other", undefined);
  make("a", undefined);
  make("b", "a");
  make("c", "b");
  make("d", "a");
  make("e", "other");
  expect(house.sessions.descendants(workspaceId, "a")).toEqual(["c", "d", "b"]);
  expect(house.sessions.descendants(workspaceId, "e")).toEqual([]);
  house.sessions.delete(["c", "d", "b", "a"]);
  expect(house.sessions.list(workspaceId, -1).map(({ id }) => id)).toEqual(["e", "other"]);
});
