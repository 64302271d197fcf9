// A turn's messages are written soon and not at once: what is told of them keeps its order, and one that
// cannot be written keeps nothing else from its end.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";
import { overwritePages, releaseFiles } from "../helpers/damage.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { openStored } from "../helpers/storedFile.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;
let log: ReturnType<typeof recordingLog>;

beforeEach(() => {
  folder = temporaryFolder();
  log = recordingLog();
  house = open();
  house.session("s");
});
afterEach(async () => {
  vi.restoreAllMocks();
  await house.close();
  folder.remove();
});

/** One in which each message waits for a shared commit. */
function open(): CoordinatorHouse {
  return new CoordinatorHouse({ directory: folder.path, log: log.log, sharesCommits: true });
}

/** The store cannot take these messages. */
function lose(is: (row: { readonly role: string; readonly sessionId: string }) => boolean): void {
  const insert = house.messages.insert.bind(house.messages);
  vi.spyOn(house.messages, "insert").mockImplementation((row, data) => {
    if (is(row)) throw new RangeError("the store cannot take this");
    insert(row, data);
  });
}

/** A turn that has begun, and what is told from then on. */
async function begun() {
  const turn = await house.begin("s", { runId: "a" });
  const from = house.told.length;
  return { turn, sink: turn.request.sink, told: () => house.told.slice(from) };
}

type Begun = Awaited<ReturnType<typeof begun>>;

function reply({ sink }: Begun): void {
  const message = sink.createMessage({ role: "assistant" });
  message.append(message.addPart({ type: "text", text: "" }), "hi");
  message.finish("endTurn");
}

const names = (one: Begun) => one.told().map(({ method }) => method);

/** The messages come before the end of their turn, and that before the completion. */
function expectInOrder(one: Begun): void {
  const told = names(one);
  expect(told.slice(0, 3)).toEqual(["messageCreated", "messageDelta", "messageUpdated"]);
  const finished = told.indexOf("agentFinished");
  expect(told.lastIndexOf("messageUpdated")).toBeLessThan(finished);
  expect(told.lastIndexOf("messageCreated")).toBeLessThan(finished);
  expect(told.filter((name) => name === "agentFinished")).toHaveLength(1);
  expect(told.at(-1)).toBe("committed");
}

describe("what is told of a reply that comes with the end of its run", () => {
  it("comes before that end", async () => {
    const one = await begun();
    reply(one);
    one.turn.succeed("hi");
    await house.clock.settle();
    expectInOrder(one);
  });

  it("comes before that end where another program is known to hold the database", async () => {
    const one = await begun();
    house.database.waitBriefly(1);
    const other = openStored(join(folder.path, "turnwire.db"));
    other.exec("BEGIN IMMEDIATE");
    expect(() => house.database.write(() => {})).toThrow(/holds it locked|locked/);
    expect(house.database.isHeld).toBe(true);
    reply(one);
    one.turn.succeed("hi");
    await house.clock.advance(500);
    other.exec("ROLLBACK");
    other.close();
    await house.clock.advance(2000);
    expectInOrder(one);
  });

  it("comes before that end where the disk refuses both at first", async () => {
    const one = await begun();
    house.breakDisk();
    reply(one);
    one.turn.succeed("hi");
    await house.clock.settle();
    expect(names(one)).toEqual([]);
    house.breakDisk(false);
    await house.clock.advance(2000);
    expectInOrder(one);
    expect(house.completion("a")).toMatchObject({ status: "succeeded" });
  });

  it("comes before that end where the disk goes on to refuse both, and where the workspace closes", async () => {
    const one = await begun();
    house.breakDisk();
    reply(one);
    one.turn.succeed("hi");
    await house.clock.advance(2000);
    expect(names(one).indexOf("agentFinished")).toBeGreaterThan(0);
    const closed = house.coordinator.close("shutdown");
    await house.clock.advance(60_000);
    await closed;
    house.breakDisk(false);
    house.owed.flush();
    await house.clock.advance(60_000);
    expectInOrder(one);
  });

  it("comes before what the turn is busy with, for that holds until the next event", async () => {
    const one = await begun();
    const message = one.sink.createMessage({ role: "assistant" });
    message.append(message.addPart({ type: "text", text: "" }), "hi");
    message.truncateParts(0);
    one.sink.busyWith({ kind: "retrying", reason: "the stream broke" });
    await house.clock.settle();
    expect(names(one)).toEqual([
      ...["messageCreated", "messageDelta", "messageUpdated"],
      "runActivity",
    ]);
  });

  it("comes before a question about it", async () => {
    const one = await begun();
    const message = one.sink.createMessage({ role: "assistant" });
    const call = { type: "toolCall", toolCallId: "t", name: "bash", input: {} } as const;
    message.addPart({ ...call, state: "pending" });
    const question = { toolCallId: "t", tool: "bash", action: "bash", description: "ls" };
    const asked = one.turn.request.ask?.(question as never, new AbortController().signal);
    asked?.catch(() => {});
    expect(names(one)).toEqual(["messageCreated", "messageUpdated", "runActivity"]);
    expect(house.messages.find("s", message.id)).toBeDefined();
  });
});

describe("a message that cannot be stored", () => {
  it("is told of nowhere, and fails its run, which ends", async () => {
    const one = await begun();
    const child = one.turn.request.openChild("look");
    lose(({ sessionId }) => sessionId === child.sessionId);
    const lost = child.sink.createMessage({ role: "user", parts: [] });
    await house.clock.settle();
    expect(log.messages).toContain("a message could not be stored");
    expect(() => one.sink.setTodos([])).toThrow("the store cannot take this");
    lost.addPart({ type: "text", text: "more" });
    await house.clock.advance(1000);
    one.turn.throw(new RangeError("the store cannot take this"));
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({ status: "failed" });
    expect(JSON.stringify(one.told())).not.toContain(lost.id);
    expect(house.transcript("s")).toEqual(["user: hello"]);
  });

  it("fails a run whose turn would have succeeded without it", async () => {
    const { turn, sink } = await begun();
    vi.spyOn(house.messages, "insert").mockImplementationOnce(() => {
      throw new RangeError("the store cannot take this");
    });
    const message = sink.createMessage({ role: "assistant" });
    await house.clock.settle();
    vi.spyOn(sink, "createMessage").mockReturnValue(message);
    turn.succeed("hi");
    await house.clock.settle();
    expect(message.parts).toHaveLength(2);
    expect(house.completion("a")).toMatchObject({ status: "failed" });
    expect(house.transcript("s")).toEqual(["user: hello"]);
  });

  it("keeps no other message of its run from the disk, and none from its place in what is told", async () => {
    const one = await begun();
    const child = one.turn.request.openChild("look");
    const earlier = one.sink.createMessage({ role: "assistant" });
    await house.clock.settle();
    lose(({ sessionId }) => sessionId === child.sessionId);
    const mine = one.sink.createMessage({ role: "tool" });
    child.sink.createMessage({ role: "user", parts: [] });
    for (const message of [earlier, mine]) {
      message.append(message.addPart({ type: "text", text: "" }), "hi");
    }
    await house.clock.settle();
    mine.append(0, " again");
    const of = (id: string) =>
      one
        .told()
        .flatMap(({ method, params }) => (JSON.stringify(params).includes(id) ? method : []));
    expect(of(earlier.id)).toEqual(["messageCreated", "messageDelta"]);
    expect(of(mine.id)).toEqual(["messageCreated", "messageDelta", "messageDelta"]);
    expect(house.messages.find("s", mine.id)).toBeDefined();
  });

  it("lets no prompt join its run, and its run ask for nothing", async () => {
    const one = await begun();
    const child = one.turn.request.openChild("look");
    lose(({ sessionId }) => sessionId === child.sessionId);
    child.sink.createMessage({ role: "user", parts: [] });
    await house.clock.settle();
    house.accept("s", { runId: "b", text: "joins", options: { whenBusy: "join" } });
    expect(() => one.sink.takeFolded()).toThrow("the store cannot take this");
    const question = { toolCallId: "t", tool: "bash", action: "bash", description: "ls" };
    const asked = one.turn.request.ask?.(question as never, new AbortController().signal);
    await expect(asked).rejects.toThrow("the store cannot take this");
    one.turn.throw(new Error("no"));
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({ status: "failed" });
    expect(house.completion("b")).toBeUndefined();
  });

  it("is refused at once where no other session is busy", async () => {
    await house.close();
    house = new CoordinatorHouse({ directory: folder.path });
    const turn = await house.begin("s", { runId: "a" });
    const { sink } = turn.request;
    vi.spyOn(house.messages, "insert").mockImplementationOnce(() => {
      throw new RangeError("the store cannot take this");
    });
    expect(() => sink.createMessage({ role: "assistant" })).toThrow("the store cannot take this");
    turn.fail();
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({ status: "failed" });
  });

  it("in the commit that has the end of its run keeps that not from the disk", async () => {
    const one = await begun();
    lose(({ role }) => role === "assistant");
    reply(one);
    one.turn.throw(new Error("no"));
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({ status: "failed" });
    expect(names(one)).not.toContain("messageCreated");
    expect(names(one).at(-1)).toBe("committed");
  });

  it("because its place in the file is damaged does not hold up the end of its run", async () => {
    house.session("old");
    const row = { sessionId: "old", run: undefined, role: "assistant", parts: "[]" } as const;
    const more = { model: undefined, provider: undefined, isSummary: false, createdAt: 1 };
    house.database.write(() => {
      for (let digit = 1; digit <= 9; digit++) {
        for (let n = 0; n < 600; n++) {
          const id = `msg_${digit}z${String(n).padStart(4, "0")}`;
          house.messages.insert({ ...row, ...more, id });
        }
      }
    });
    await house.close();
    await releaseFiles();
    // Only of the index of ids, and of it only the pages where the reply's id belongs.
    expect(overwritePages(join(folder.path, "turnwire.db"), "msg_5z0000")).toBeGreaterThan(0);
    house = open();
    const one = await begun();
    while (house.ids.next("msg") !== "msg_4");
    reply(one);
    one.turn.succeed("hi");
    await house.clock.advance(120_000);
    expect(house.completion("a")).toMatchObject({ status: "failed" });
    expect(house.coordinator.describe(found("s")).isBusy).toBe(false);
    expect(log.messages).toContain("a message could not be stored");
  });
});

function found(sessionId: string) {
  const row = house.sessions.find(workspaceId, sessionId);
  if (row === undefined) throw new Error("there is no such session");
  return row;
}
