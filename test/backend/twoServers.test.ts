import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type MemoryClient, MemoryServer, openSession, until } from "../helpers/memoryServer.js";
import { CountingIds } from "../helpers/virtualScheduler.js";

let one: MemoryServer;
let two: MemoryServer;
let first: MemoryClient;
let second: MemoryClient;
let place: Awaited<ReturnType<typeof openSession>>;

beforeEach(async () => {
  const ids = new CountingIds();
  one = new MemoryServer({ ids });
  two = new MemoryServer({ ids, directory: one.directory });
  first = one.connect();
  second = two.connect();
  await first.call("initialize", { clientId: "ada" });
  await second.call("initialize", { clientId: "ada" });
  place = await openSession(one, first);
  const again = await second.call("createWorkspace", { path: one.folder, initAgent: true });
  expect(again.id).toBe(place.workspaceId);
  two.engine.preparesAtGates = false;
});

afterEach(async () => {
  first.leave();
  second.leave();
  await two.close();
  await one.close();
});

async function running(runId: string) {
  await first.call("sendMessage", { ...place, prompt: "hi", runId });
  await until(() => one.engine.live().length === 1);
  return one.engine.turnOf(place.sessionId);
}

describe("two servers on one directory", () => {
  it("run a session in one: the other is SessionBusy, and runs it once the turn is over", async () => {
    const turn = await running("a");
    const params = { ...place, prompt: "me too", runId: "b" };
    expect(await second.refused("sendMessage", params)).toMatchObject({
      code: 1007,
      data: { name: "SessionBusy", retryable: true },
    });
    expect(await second.refused("getRun", { ...place, runId: "b" })).toMatchObject({ code: 1018 });
    expect(await second.refused("cancelSession", place)).toMatchObject({ code: 1007 });
    expect(await second.refused("clearQueue", place)).toMatchObject({ code: 1007 });
    expect(await second.refused("deleteSession", place)).toMatchObject({ code: 1007 });
    turn.succeed();
    await first.until("runComplete");
    expect(await second.call("sendMessage", params)).toMatchObject({ state: "accepted" });
    await until(() => two.engine.live().length === 1);
    expect(await first.refused("sendMessage", { ...params, runId: "c" })).toMatchObject({
      code: 1007,
    });
  });

  it("both read what either does", async () => {
    const turn = await running("a");
    await first.call("sendMessage", { ...place, prompt: "next", runId: "b" });
    expect(await second.call("getSession", place)).toMatchObject({
      isBusy: true,
      queuedPrompts: 1,
    });
    expect(await second.call("queuedPrompts", place)).toEqual({ count: 1 });
    expect(await second.call("getRun", { ...place, runId: "b" })).toMatchObject({
      state: "queued",
    });
    const wait = second.request("waitRun", { ...place, runId: "a" });
    turn.succeed("seen by both");
    expect((await wait.answer).result).toMatchObject({ text: "seen by both" });
    const { messages } = await second.call("listMessages", place);
    expect(messages.slice(0, 2)).toMatchObject([{ role: "user" }, { role: "assistant" }]);
  });

  it("answer a runId that the other has with its state", async () => {
    await running("a");
    expect(await second.call("sendMessage", { ...place, prompt: "hi", runId: "a" })).toEqual({
      runId: "a",
      state: "running",
      duplicate: true,
    });
    expect(two.engine.turns).toHaveLength(0);
  });

  it("send a completion to the client that is theirs, and a later one gets what is left", async () => {
    (await running("a")).succeed();
    const { completionId } = await first.until("runComplete");
    await second.call("ping");
    expect(second.told("runComplete")).toEqual([]);
    const third = two.connect();
    expect(await third.call("initialize", { clientId: "ada" })).toMatchObject({
      pendingCompletions: 1,
    });
    expect(await third.until("runComplete")).toMatchObject({ completionId, attempt: 2 });
    expect(await second.call("acknowledge", { completionIds: [completionId] })).toMatchObject({
      acknowledged: [completionId],
    });
    expect(await first.call("listPendingCompletions")).toEqual({ completions: [] });
    third.leave();
  });

  it("end in order without harm to the other", async () => {
    const turn = await running("a");
    await two.server.end("shutdown");
    expect(await first.call("getRun", { ...place, runId: "a" })).toMatchObject({
      state: "running",
    });
    turn.succeed();
    expect(await first.until("runComplete")).toMatchObject({ status: "succeeded" });
  });
});
