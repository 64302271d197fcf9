// protocol.md section 9: another program holds the database for a while. Nothing that was accepted fails
// of it, nothing waits in line, and nothing is lost or doubled.
import { join } from "node:path";
import type { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";
import { openStored } from "../helpers/storedFile.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;
let other: InstanceType<typeof DatabaseSync>;

beforeEach(() => {
  folder = temporaryFolder();
  house = new CoordinatorHouse({ directory: folder.path });
  for (const id of ["s", "t"]) house.session(id);
  house.database.waitBriefly(1);
  other = openStored(join(folder.path, "turnwire.db"));
});
afterEach(async () => {
  if (other.isTransaction) release();
  other.close();
  await house.clock.advance(1000);
  await house.close();
  folder.remove();
});

const hold = (how = "IMMEDIATE") => other.exec(`BEGIN ${how}`);
const release = () => other.exec("ROLLBACK");
const seconds = (count: number) => house.clock.advance(count * 1000);
const statuses = () => house.allCompletions().map(({ runId, status }) => `${runId}: ${status}`);
const locked = expect.objectContaining({
  name: "StorageFailed",
  retryable: true,
  data: expect.objectContaining({ reason: "databaseLocked" }),
});

describe.each(["IMMEDIATE", "EXCLUSIVE"])("a lock (%s) of 25 seconds", (how) => {
  it("makes an end late, and nothing else of the turn", async () => {
    const turn = await house.begin("s", { runId: "a" });
    const { sink } = turn.request;
    hold(how);
    const message = sink.createMessage({ role: "assistant" });
    message.append(message.addPart({ type: "text", text: "" }), "half");
    await seconds(12);
    sink.addUsage({ promptTokens: 3, completionTokens: 2, cost: 1 });
    message.append(0, " and whole");
    message.finish("endTurn");
    turn.succeed("half and whole");
    await seconds(13);
    expect(statuses()).toEqual([]);
    release();
    await seconds(1);
    expect(statuses()).toEqual(["a: succeeded"]);
    expect(house.completion("a")?.usage).toMatchObject({ promptTokens: 3, completionTokens: 2 });
    const said = "assistant: half and whole [endTurn]";
    // The turn's own last word comes behind what it said by itself.
    expect(house.transcript("s")).toEqual(["user: hello", said, said]);
    expect(house.sessions.find(workspaceId, "s")).toMatchObject({
      messageCount: 3,
      promptTokens: 3,
    });
  });

  it("keeps a tool from beginning before it is known that it does", async () => {
    const turn = await house.begin("s", { runId: "a" });
    const { sink } = turn.request;
    const message = sink.createMessage({ role: "assistant" });
    const call = { type: "toolCall", toolCallId: "c", name: "bash", input: {} } as const;
    const index = message.addPart({ ...call, state: "pending" });
    hold(how);
    message.setPart(index, { ...call, state: "running" });
    let isStored = false;
    const stored = sink.stored?.().then(() => {
      isStored = true;
    });
    await seconds(25);
    expect(isStored).toBe(false);
    release();
    await seconds(1);
    await stored;
    expect(house.messages.list("s", 9).rows.at(-1)?.parts).toContain('"state":"running"');
    turn.succeed();
  });

  it("makes an acceptance late, and lets it begin", async () => {
    hold(how);
    const told = house.join("s", { runId: "a" });
    await seconds(25);
    expect(told).toEqual({});
    release();
    await seconds(1);
    expect(told).toMatchObject({ acceptance: { isDuplicate: false } });
    (await house.ready("s")).succeed();
    await seconds(1);
    expect(statuses()).toEqual(["a: succeeded"]);
  });

  it("lets a turn begin late, and one that is cancelled meanwhile never", async () => {
    for (const id of ["s", "t"]) house.accept(id, { runId: id });
    await house.clock.settle();
    hold(how);
    house.engine.preparing.ready();
    house.engine.preparing.ready();
    await seconds(12);
    expect(house.coordinator.cancelSession("t")).toEqual([{ runId: "t", was: "accepted" }]);
    await seconds(1);
    release();
    await seconds(1);
    house.engine.turnOf("s").succeed();
    await seconds(1);
    expect(statuses().toSorted()).toEqual(["s: succeeded", "t: cancelled"]);
  });

  it("stops a turn at once, and drops its queue late", async () => {
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b" });
    hold(how);
    house.coordinator.cancelSession("s");
    expect(turn.isStopping).toBe(true);
    turn.stop();
    await seconds(25);
    release();
    await seconds(11);
    expect(statuses().toSorted()).toEqual(["a: cancelled", "b: cancelled"]);
  });
});

describe("prompts that come while the database is held", () => {
  it("are accepted in the order in which they came, each as it then is", async () => {
    hold();
    const told = ["a", "b", "c"].map((runId) => house.join("s", { runId, text: runId }));
    await seconds(5);
    release();
    await seconds(1);
    expect(told).toMatchObject([...Array(3)].map(() => ({ acceptance: { isDuplicate: false } })));
    expect(house.row("a").state).toBe("accepted");
    expect(house.row("b").state).toBe("queued");
    expect(house.coordinator.queue.texts("s")).toEqual(["b", "c"]);
  });

  it("with one runId are one run", async () => {
    hold();
    const first = house.join("s", { runId: "a" });
    const again = house.join("s", { runId: "a" });
    const another = house.join("s", { runId: "a", text: "other" });
    await seconds(5);
    release();
    await seconds(1);
    expect(first).toMatchObject({ acceptance: { isDuplicate: false } });
    expect(again).toMatchObject({ acceptance: { isDuplicate: true } });
    expect(another.error).toMatchObject({ name: "RunIdConflict" });
  });

  it("are refused after half a minute, all of them, with the reason", async () => {
    hold();
    const told = ["a", "b"].map((runId) => house.join("s", { runId }));
    await seconds(29);
    expect(told).toEqual([{}, {}]);
    await seconds(2);
    expect(told).toEqual([{ error: locked }, { error: locked }]);
    release();
    await seconds(1);
    expect(house.runs.find(workspaceId, "a")).toBeUndefined();
    expect(house.coordinator.isBusy).toBe(false);
  });

  it("are refused by a stop of their session, and by no other", async () => {
    hold();
    const told = ["a", "b"].map((runId) => house.join("s", { runId }));
    const kept = house.join("t", { runId: "t" });
    await house.clock.settle();
    house.coordinator.cancelSession("s");
    expect(told).toEqual([{ error: locked }, { error: locked }]);
    release();
    await seconds(1);
    expect(house.runs.find(workspaceId, "b")).toBeUndefined();
    expect(kept).toMatchObject({ acceptance: { isDuplicate: false } });
  });

  it("are refused where the workspace closes", async () => {
    hold();
    const told = house.join("s", { runId: "a" });
    await house.clock.settle();
    await house.coordinator.close("deleted");
    expect(told).toEqual({ error: locked });
    expect(house.coordinator.isBusy).toBe(false);
  });

  it("keep their session from being deleted", async () => {
    hold();
    house.join("s", { runId: "a" });
    await house.clock.settle();
    expect(() => house.coordinator.deleteSessions(["s"])).toThrow("A turn runs on this session");
  });
});

it("a queued prompt joins the call behind the lock", async () => {
  const turn = await house.begin("s", { runId: "a" });
  house.accept("s", { text: "joins" });
  hold();
  turn.call();
  await seconds(1);
  expect(turn.folded.flat()).toEqual([]);
  release();
  turn.call();
  await seconds(1);
  expect(turn.folded.flat()).toEqual(["joins"]);
  turn.succeed();
  await seconds(1);
  expect(house.completion("a")).toMatchObject({ status: "succeeded", foldedPrompts: 1 });
});

it("a run joins a later call than the one behind the lock, behind what was said before", async () => {
  const turn = await house.begin("s", { runId: "a", text: "a" });
  house.accept("s", { runId: "b", text: "b", options: { whenBusy: "join" } });
  hold();
  turn.request.sink.createMessage({ role: "assistant" }).finish("toolUse");
  turn.call();
  await house.clock.settle();
  expect(turn.folded.flat()).toEqual([]);
  release();
  // What was said under the lock still waits for its next try.
  turn.call();
  await house.clock.settle();
  expect(turn.folded.flat()).toEqual(["b"]);
  turn.succeed();
  await seconds(1);
  expect(statuses()).toEqual(["a: succeeded", "b: succeeded"]);
  const said = house.transcript("s").slice(0, 3);
  expect(said).toEqual(["user: a", "assistant: [toolUse]", "user: b"]);
});

it("a sub-task that begins under the lock is stored in order", async () => {
  const turn = await house.begin("s", { runId: "a" });
  hold();
  const child = turn.request.openChild("a part");
  child.sink.say({ text: "look", attachments: [] });
  const reply = child.sink.createMessage({ role: "assistant" });
  reply.addPart({ type: "text", text: "seen" });
  reply.finish("endTurn");
  child.sink.addUsage({ promptTokens: 1, completionTokens: 1, cost: 0 });
  turn.succeed();
  await seconds(5);
  release();
  await seconds(1);
  expect(statuses()).toEqual(["a: succeeded"]);
  expect(house.transcript(child.sessionId)).toEqual(["user: look", "assistant: seen [endTurn]"]);
  expect(house.sessions.find(workspaceId, child.sessionId)).toMatchObject({ messageCount: 2 });
  expect(house.completion("a")?.usage).toMatchObject({ promptTokens: 1 });
});

it("a lock without an end fails who waits to go on, after a minute, and the end is told behind it", async () => {
  const turn = await house.begin("s", { runId: "a" });
  hold();
  turn.request.sink.createMessage({ role: "assistant" });
  await house.clock.settle();
  const stored = turn.request.sink.stored?.() ?? Promise.resolve();
  const failed = expect(stored).rejects.toEqual(locked);
  await seconds(61);
  await failed;
  turn.throw(await stored.catch((error: unknown) => error));
  await seconds(60);
  release();
  await seconds(1);
  expect(house.completion("a")).toMatchObject({ status: "failed", errorName: "StorageFailed" });
});

it("a disk that fails behind the lock fails the turn", async () => {
  const turn = await house.begin("s", { runId: "a" });
  const { sink } = turn.request;
  hold();
  sink.createMessage({ role: "assistant" });
  await house.clock.settle();
  const failed = expect(sink.stored?.()).rejects.toMatchObject({ name: "StorageFailed" });
  release();
  house.breakDisk();
  await seconds(1);
  await failed;
  expect(() => sink.createMessage({ role: "assistant" })).toThrow("The database failed");
  house.breakDisk(false);
  turn.fail("no room", "StorageFailed");
  await seconds(1);
  expect(house.completion("a")).toMatchObject({ status: "failed" });
  expect(house.transcript("s")).toEqual(["user: hello", "assistant: "]);
});

it("a dead server's run counts as open until the lock is gone", async () => {
  const second = new CoordinatorHouse({ directory: folder.path, ids: house.ids });
  await house.begin("s", { runId: "a" });
  const dead = house.registry.id;
  house.crash();
  house = second;
  house.database.waitBriefly(1);
  hold();
  expect(house.recovery.recoverIfDead(dead)).toBe(false);
  expect(() => house.accept("s", { runId: "b" })).toThrow("A turn runs on this session");
  release();
  expect(house.recovery.recoverIfDead(dead)).toBe(true);
  expect(statuses()).toEqual(["a: interrupted"]);
});
