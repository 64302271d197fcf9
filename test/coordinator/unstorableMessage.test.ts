// Whatever a run's messages are, its end is written.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DomainError } from "../../src/base/errors.js";
import type { Part } from "../../src/protocol/objects/message.js";
import { CoordinatorHouse, temporaryFolder } from "../helpers/coordinatorHouse.js";
import { recordingLog } from "../helpers/recordingLog.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;
const log = recordingLog();

beforeEach(() => {
  folder = temporaryFolder();
  house = new CoordinatorHouse({ directory: folder.path, log: log.log });
  house.session("s");
});

afterEach(async () => {
  vi.restoreAllMocks();
  await house.close();
  folder.remove();
});

const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));

describe("a run whose messages cannot be stored", () => {
  it("because of what is in them ends as it ended, and the next prompt runs", async () => {
    const turn = await house.begin("s", { runId: "a" });
    const reply = turn.request.sink.createMessage({ role: "assistant" });
    const call = { type: "toolCall", toolCallId: "t", name: "x", state: "streaming" } as const;
    const at = reply.addPart({ ...call, input: "" });
    reply.setPart(at, { ...call, input: nested(100_000), state: "completed" } as Part);
    turn.succeed();
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({ status: "succeeded", text: "done" });
    (await house.begin("s", { runId: "b" })).succeed();
    await house.clock.settle();
    expect(house.completion("b")).toMatchObject({ status: "succeeded" });
  });

  it("because the store refuses them ends too, with what was stored before", async () => {
    const turn = await house.begin("s", { runId: "a" });
    const update = vi.spyOn(house.messages, "update").mockImplementation(() => {
      throw new RangeError("the store cannot take this");
    });
    turn.succeed();
    await house.clock.settle();
    expect(update).toHaveBeenCalled();
    expect(house.completion("a")).toMatchObject({ status: "succeeded", text: "done" });
    expect(log.messages).toContain("the end of a message could not be stored");
    expect(house.coordinator.isBusy).toBe(false);
  });

  it("because one of them is refused keeps the others", async () => {
    const turn = await house.begin("s", { runId: "a" });
    const { sink } = turn.request;
    const [first, second] = [1, 2].map(() => sink.createMessage({ role: "assistant" }));
    for (const message of [first, second]) {
      message?.append(message.addPart({ type: "text", text: "" }), "kept");
    }
    const real = house.messages.update.bind(house.messages);
    vi.spyOn(house.messages, "update").mockImplementation((id, parts, now) => {
      if (id === first?.id) throw new TypeError("no");
      real(id, parts, now);
    });
    turn.succeed();
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({ status: "succeeded" });
    expect(house.transcript("s").slice(1)).toEqual([
      "assistant: ",
      "assistant: kept",
      "assistant: done [endTurn]",
    ]);
  });

  it("because the disk refuses waits for the disk", async () => {
    const turn = await house.begin("s", { runId: "a" });
    const full = new DomainError("StorageFailed", "full", { data: { sqliteCode: 13 } });
    const update = vi.spyOn(house.messages, "update").mockImplementation(() => {
      throw full;
    });
    turn.succeed();
    await house.clock.settle();
    expect(house.completion("a")).toBeUndefined();
    update.mockRestore();
    await house.clock.advance(60_000);
    expect(house.completion("a")).toMatchObject({ status: "succeeded", text: "done" });
    expect(house.transcript("s").at(-1)).toBe("assistant: done [endTurn]");
  });

  it("with a cause that is far too long tells the beginning of it", async () => {
    const turn = await house.begin("s", { runId: "a" });
    turn.fail("x".repeat(1_000_000));
    await house.clock.settle();
    expect(house.completion("a")?.error).toHaveLength(10_000);
  });
});
