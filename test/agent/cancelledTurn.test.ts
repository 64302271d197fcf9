import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { FakeModel, finish, text, toolCall } from "../helpers/fakeModel.js";

const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));

describe("a cancelled turn", () => {
  it("calls no model when it is cancelled before it begins, and stores both messages", async () => {
    const turn = new TestTurn();
    const model = new FakeModel();
    turn.cancel.abort();
    expect(await turn.run(model)).toEqual({ status: "cancelled", messageId: "m2", text: "" });
    expect(model.calls).toHaveLength(0);
    expect(turn.sink.roles).toEqual(["user", "assistant"]);
    expect(turn.sink.last.finished?.reason).toBe("cancelled");
  });

  it("keeps the text streamed so far, at once, also where the model ignores the signal", async () => {
    const turn = new TestTurn();
    const never = new Deferred<void>();
    const model = new FakeModel(async function* (): AsyncGenerator<LanguageModelV3StreamPart> {
      yield* text("so far").slice(0, 2);
      await never.promise;
    });
    turn.sink.onChange = (what) => {
      if (what.includes("append text")) turn.cancel.abort();
    };
    const outcome = await turn.run(model);
    expect(outcome).toEqual({ status: "cancelled", messageId: "m2", text: "so far" });
    expect(turn.sink.last.finished?.reason).toBe("cancelled");
    expect(turn.clock.pending).toBe(0);
    never.resolve();
  });

  it("gives a call whose input was still streaming a result", async () => {
    const turn = new TestTurn();
    turn.sink.onChange = (what) => {
      if (what.includes("append toolCall")) turn.cancel.abort();
    };
    const model = new FakeModel([
      { type: "stream-start", warnings: [] },
      ...toolCall("c1", "echo", { text: "a" }).slice(0, 2),
    ]);
    const outcome = await turn.run(model, { tools: [echo] });
    expect(outcome.status).toBe("cancelled");
    expect(turn.sink.messages[1]?.parts[0]).toMatchObject({ state: "cancelled" });
    expect(turn.sink.last.parts).toMatchObject([{ toolCallId: "c1", isError: true }]);
  });

  it("waits for the running tool to end, then gives every call a result", async () => {
    const turn = new TestTurn();
    const began = new Deferred<void>();
    const childrenGone = new Deferred<void>();
    const slow = textTool("slow", async (_, { signal, onOutput }) => {
      onOutput("working");
      began.resolve();
      await new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      await childrenGone.promise;
      throw signal.reason;
    });
    const model = new FakeModel([
      ...toolCall("c1", "slow", { text: "a" }),
      ...toolCall("c2", "slow", { text: "b" }),
      finish("tool-calls"),
    ]);
    let isOver = false;
    const running = turn.run(model, { tools: [slow] }).finally(() => {
      isOver = true;
    });
    await began.promise;
    turn.cancel.abort(new Error("stop"));
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    childrenGone.resolve();
    expect(await running).toMatchObject({ status: "cancelled", messageId: "m2" });
    expect(turn.sink.last.parts).toMatchObject([
      { toolCallId: "c1", output: "working\n\nCancelled while it ran.", isError: true },
      { toolCallId: "c2", output: "Cancelled before it ran.", isError: true },
    ]);
    expect(turn.sink.messages[1]?.parts).toMatchObject([
      { state: "cancelled" },
      { state: "cancelled" },
      { type: "finish", reason: "cancelled" },
    ]);
    expect(model.calls).toHaveLength(1);
  });

  it("ends at once in the pause before another try", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(new Error("read ECONNRESET", { cause: socketError("ECONNRESET") }));
    const running = turn.run(model);
    await turn.clock.untilPending();
    turn.cancel.abort();
    expect(await running).toMatchObject({ status: "cancelled" });
    expect(turn.clock.pending).toBe(0);
    expect(turn.sink.last.finished?.reason).toBe("cancelled");
  });
});

function socketError(code: string): Error {
  return Object.assign(new Error("socket"), { code });
}
