import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TurnSink } from "../../src/engine/engine.js";
import type { NotificationParams } from "../../src/protocol/registry.js";
import { CoordinatorHouse, temporaryFolder } from "../helpers/coordinatorHouse.js";
import { haveOneClass } from "../helpers/heap.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;
let sink: TurnSink;

beforeEach(async () => {
  folder = temporaryFolder();
  house = new CoordinatorHouse({ directory: folder.path });
  house.session("s");
  sink = (await house.begin("s", { runId: "a" })).request.sink;
});

afterEach(async () => {
  await house.close();
  folder.remove();
});

const stored = () => house.transcript("s").at(-1);

function told<M extends "messageDelta" | "messageUpdated" | "messageCreated">(method: M) {
  return house.told
    .filter((event) => event.method === method)
    .map(({ params }) => params as NotificationParams<M>);
}

describe("what a user says", () => {
  it("is stored and told as words and attachments, and given back as history", async () => {
    const data = new Uint8Array([1, 2, 3]);
    const file = { name: "a.bin", mimeType: "application/octet-stream" };
    const said = sink.say({ text: "look", attachments: [{ ...file, data }] });
    const parts = [
      { type: "text", text: "look" },
      { type: "attachment", ...file, size: 3 },
    ];
    expect(said).toMatchObject({ role: "user", parts, attachmentData: new Map([[1, data]]) });
    // Nobody is told of it before it is written, and the model is asked meanwhile.
    const ids = () => told("messageCreated").map(({ message }) => message.id);
    expect(ids()).not.toContain(said.id);
    expect(house.messages.find("s", said.id)).toBeUndefined();
    await house.clock.settle();
    expect(told("messageCreated").at(-1)?.message).toMatchObject({ id: said.id, parts });
    expect(house.messages.attachments(said.id).get(1)).toEqual(data);
    expect(sink.say({ text: "", attachments: [{ ...file, data }] }).parts).toEqual([parts[1]]);
  });
});

describe("what a turn streams", () => {
  it("is told behind its message, with the offset of each delta in its part", async () => {
    await house.close();
    const { ids } = house;
    house = new CoordinatorHouse({ directory: folder.path, ids, sharesCommits: true });
    sink = (await house.begin("s", { runId: "b" })).request.sink;
    const reply = sink.createMessage({ role: "assistant" });
    const part = reply.addPart({ type: "text", text: "" });
    for (const delta of ["a😀", "b", ""]) reply.append(part, delta);
    // Nobody is told of what cannot be read yet.
    expect([told("messageCreated").length, told("messageDelta")]).toEqual([1, []]);
    expect(stored()).toBe("user: hello");
    await house.clock.settle();
    expect(stored()).toBe("assistant: ");
    expect(told("messageCreated").at(-1)?.message).toMatchObject({ id: reply.id, parts: [] });
    reply.append(part, "c");
    const names = house.told.slice(-4).map(({ method }) => method);
    expect(names).toEqual(["messageCreated", "messageDelta", "messageDelta", "messageDelta"]);
    const head = { workspaceId: "ws", sessionId: "s", runId: "b", messageId: reply.id };
    expect(told("messageDelta")).toEqual([
      { ...head, partIndex: 0, kind: "text", offset: 0, delta: "a😀" },
      { ...head, partIndex: 0, kind: "text", offset: 3, delta: "b" },
      { ...head, partIndex: 0, kind: "text", offset: 4, delta: "c" },
    ]);
  });

  it("is told at once where no other session is busy, and can be read then", () => {
    const reply = sink.createMessage({ role: "assistant" });
    reply.append(reply.addPart({ type: "text", text: "" }), "first");
    expect(told("messageDelta").map(({ delta }) => delta)).toEqual(["first"]);
    expect(stored()).toBe("assistant: ");
  });

  it("has one hidden class for all deltas, for there may be very many", async () => {
    const haveSame = haveOneClass();
    const reply = sink.createMessage({ role: "assistant" });
    await house.clock.settle();
    const part = reply.addPart({ type: "text", text: "" });
    for (let n = 0; n < 200; n++) reply.append(part, "word ");
    const settled = told("messageDelta").slice(100);
    expect(settled.filter((one) => haveSame(one, settled[0] ?? {}))).toHaveLength(100);
  });

  it("reaches the disk 250 ms later, in one batch", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    const part = reply.addPart({ type: "text", text: "" });
    reply.append(part, "one ");
    await house.clock.advance(100);
    reply.append(part, "two");
    await house.clock.advance(149);
    expect(stored()).toBe("assistant: ");
    await house.clock.advance(1);
    expect(stored()).toBe("assistant: one two");
  });

  it("reaches the disk at once where a tool is about to run", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    await house.clock.settle();
    reply.append(reply.addPart({ type: "text", text: "" }), "so far");
    const call = { type: "toolCall", toolCallId: "t", name: "read", input: {} } as const;
    const at = reply.addPart({ ...call, state: "streaming" });
    expect(stored()).toBe("assistant: ");
    reply.setPart(at, { ...call, state: "running" });
    expect(stored()).toBe("assistant: so far toolCall");
    expect(house.clock.pending).toBe(0);
  });

  it("needs one commit for calls that are whole, the message of results, and the mark of the first", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    await house.clock.settle();
    let commits = 0;
    house.database.onWritten(() => commits++);
    const call = { type: "toolCall", name: "read", input: {} } as const;
    const ids = ["t", "u", "v"];
    const places = ids.map((toolCallId) =>
      reply.addPart({ ...call, toolCallId, input: "", state: "streaming" }),
    );
    for (const [at, toolCallId] of ids.entries()) {
      reply.setPart(places[at] ?? -1, { ...call, toolCallId, state: "pending" });
    }
    expect([commits, stored()]).toEqual([0, "assistant: "]);
    const results = sink.createMessage({ role: "tool" });
    results.addPart({
      type: "toolResult",
      toolCallId: "t",
      name: "read",
      output: "",
      isError: false,
    });
    const isTold = () => told("messageCreated").some(({ message }) => message.id === results.id);
    expect(isTold()).toBe(false);
    reply.setPart(0, { ...call, toolCallId: "t", state: "running" });
    expect([commits, isTold()]).toEqual([1, true]);
    expect(house.transcript("s").slice(-2)).toEqual([
      "assistant: toolCall toolCall toolCall",
      "tool: toolResult",
    ]);
    // A call that is asked about may have begun: what is asked is known at once.
    reply.setPart(0, { ...call, toolCallId: "t", state: "pending" });
    expect(commits).toBe(2);
  });

  it("reaches the disk with the turn's outcome, and not only after 250 ms", async () => {
    const turn = house.engine.turnOf("s");
    turn.succeed("all of it");
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({ text: "all of it" });
    expect(stored()).toBe("assistant: all of it [endTurn]");
    expect(house.clock.pending).toBe(0);
  });

  it("by several kinds of part says which kind it is", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    await house.clock.settle();
    reply.append(reply.addPart({ type: "reasoning", text: "" }), "hm");
    const call = { type: "toolCall", toolCallId: "t", name: "read", state: "streaming" } as const;
    const at = reply.addPart({ ...call, input: "" });
    reply.append(at, '{"a"');
    reply.append(at, ":1}");
    const result = { type: "toolResult", toolCallId: "t", name: "read", isError: false } as const;
    reply.append(reply.addPart({ ...result, output: "x" }), "yz");
    expect(told("messageDelta").map(({ kind, offset }) => [kind, offset])).toEqual([
      ["reasoning", 0],
      ["toolInput", 0],
      ["toolInput", 4],
      ["toolOutput", 1],
    ]);
  });

  it("is written once more by the next batch where the disk refused one", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    reply.append(reply.addPart({ type: "text", text: "" }), "kept");
    house.breakDisk();
    await house.clock.advance(250);
    house.breakDisk(false);
    reply.append(0, "!");
    await house.clock.advance(250);
    expect(stored()).toBe("assistant: kept!");
  });

  it("is written once more where the commit that had it failed at its end", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    reply.append(reply.addPart({ type: "text", text: "" }), "kept");
    const { update } = house.messages;
    house.messages.update = function (...values) {
      update.apply(this, values);
      throw new RangeError("only now it is told that nothing of it is kept");
    };
    await house.clock.advance(250);
    expect(stored()).toBe("assistant: ");
    house.messages.update = update;
    const other = sink.createMessage({ role: "tool" });
    other.append(other.addPart({ type: "text", text: "" }), "more");
    await house.clock.advance(250);
    expect(house.transcript("s").slice(-2)).toEqual(["assistant: kept", "tool: more"]);
  });

  it("of several messages reaches the disk in one commit", async () => {
    const replies = ["assistant", "tool"].map((role) =>
      sink.createMessage({ role: role as "assistant" | "tool" }),
    );
    for (const reply of replies) reply.append(reply.addPart({ type: "text", text: "" }), "x");
    await house.clock.settle();
    let commits = 0;
    house.database.onWritten(() => commits++);
    await house.clock.advance(250);
    expect(house.transcript("s").slice(-2)).toEqual(["assistant: x", "tool: x"]);
    expect(commits).toBe(1);
  });

  it("is as it was when it came: later changes do not reach an event", async () => {
    const reply = sink.createMessage({ role: "assistant" });
    const part = reply.addPart({ type: "text", text: "first" });
    reply.append(part, " second");
    await house.clock.settle();
    expect(told("messageCreated").at(-1)?.message.parts).toEqual([]);
    expect(told("messageUpdated").at(-1)?.message.parts).toEqual([{ type: "text", text: "first" }]);
    const deltas = told("messageDelta").map(({ offset, delta }) => [offset, delta]);
    expect(deltas).toEqual([[5, " second"]]);
  });
});

describe("a message that is finished", () => {
  it("takes nothing more, and is finished once", () => {
    const reply = sink.createMessage({ role: "assistant" });
    const part = reply.addPart({ type: "text", text: "x" });
    reply.finish("endTurn");
    reply.finish("error");
    house.coordinator.live.flush("s");
    expect(stored()).toBe("assistant: x [endTurn]");
    expect(() => reply.append(part, "y")).toThrow(RangeError);
    expect(() => reply.setPart(part, { type: "text", text: "y" })).toThrow(RangeError);
  });
});

describe("usage", () => {
  it("is added to the session's totals and told in the completion", async () => {
    sink.addUsage({ promptTokens: 10, completionTokens: 2, cost: 0.5 });
    sink.addUsage({ promptTokens: 1, completionTokens: 1, cost: 0.25 });
    house.engine.turnOf("s").succeed();
    await house.clock.settle();
    const usage = { promptTokens: 11, completionTokens: 3, cost: 0.75 };
    expect(house.sessions.find("ws", "s")).toMatchObject(usage);
    expect(house.completion("a")).toMatchObject({ usage });
  });
});

describe("what a session has used", () => {
  const usage = { promptTokens: 10, completionTokens: 2, cost: 0.5 };
  const lastTold = () => house.told.findLast(({ method }) => method === "sessionUpdated")?.params;

  it("is told once it is written: with the next write, without a commit of its own", async () => {
    sink.addUsage(usage);
    expect(lastTold()).toMatchObject({ session: { promptTokens: 0 } });
    sink.createMessage({ role: "tool" });
    await house.clock.settle();
    expect(lastTold()).toMatchObject({ session: usage });
  });

  it("is told after a quarter of a second where nothing else is written", async () => {
    sink.together?.(() => {
      sink.filled({ tokens: 12, window: 100 });
      sink.addUsage(usage);
    });
    await house.clock.advance(250);
    const context = { contextTokens: 12, contextWindow: 100 };
    expect(lastTold()).toMatchObject({ session: { ...usage, ...context } });
  });

  it("is told with the end of the run where that comes first, and before its completion", async () => {
    await house.clock.settle();
    let commits = 0;
    house.database.onWritten(() => commits++);
    sink.addUsage(usage);
    house.engine.turnOf("s").fail();
    await house.clock.settle();
    // The reply, and the end.
    expect(commits).toBe(2);
    const ending = house.told.slice(-4).map(({ method }) => method);
    expect(ending).toEqual(["agentError", "agentFinished", "sessionUpdated", "committed"]);
    expect(lastTold()).toMatchObject({ session: usage });
    expect(house.completion("a")).toMatchObject({ usage });
  });
});
