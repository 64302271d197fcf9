import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { calls, FakeModel, finish, says, text, toolCall } from "../helpers/fakeModel.js";

const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));

describe("the bounds of a turn", () => {
  it("ends at the need for one more model call than it may make", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(
      ...["a", "b", "c"].map((said) => calls(said, "echo", { text: said })),
    );
    const limits = { maxSteps: 2, providerIdleSeconds: 300, maxDenials: 5, toolSeconds: 600 };
    const outcome = await turn.run(model, { tools: [echo], limits });
    expect(outcome).toMatchObject({ status: "failed", errorName: "StepLimit", cause: "limit" });
    expect(model.calls).toHaveLength(2);
    expect(turn.sink.journal.filter((line) => line === "takeFolded")).toHaveLength(2);
    expect(turn.sink.last.finished).toMatchObject({ reason: "error" });
  });

  it("may end on its last step", async () => {
    const turn = new TestTurn();
    const limits = { maxSteps: 2, providerIdleSeconds: 300, maxDenials: 5, toolSeconds: 600 };
    const model = new FakeModel(calls("a", "echo", { text: "a" }), says("done"));
    expect(await turn.run(model, { tools: [echo], limits })).toMatchObject({ status: "succeeded" });
  });

  it("ends when the model makes the same call with the same result over and over", async () => {
    const turn = new TestTurn();
    const same = Array.from({ length: 9 }, (_, index) => calls(`c${index}`, "echo", { text: "x" }));
    const model = new FakeModel(...same);
    const outcome = await turn.run(model, { tools: [echo] });
    expect(outcome).toMatchObject({ status: "failed", errorName: "ToolLoop", cause: "limit" });
    expect(outcome.error).toContain('"echo"');
    expect(model.calls).toHaveLength(5);
    const outputs = turn.sink.messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === "toolResult" ? [part.output] : [])),
    );
    expect(outputs.slice(0, 2)).toEqual(["echo x", "echo x"]);
    expect(outputs[2]).toContain("3 times in a row");
  });

  it("counts replies, not the calls that one of them makes at once", async () => {
    const turn = new TestTurn();
    const at = (reply: number) =>
      Array.from({ length: 6 }, (_, index) =>
        toolCall(`c${reply}-${index}`, "echo", { text: "x" }),
      ).flat();
    const replies = [0, 1, 2, 3, 4].map((reply) => [...at(reply), finish("tool-calls")]);
    const once = new FakeModel(replies[0] ?? [], says("done"));
    expect(await turn.run(once, { tools: [echo] })).toMatchObject({ status: "succeeded" });
    const endless = new FakeModel(...replies);
    const outcome = await new TestTurn().run(endless, { tools: [echo] });
    expect(outcome).toMatchObject({ errorName: "ToolLoop" });
    expect(endless.calls).toHaveLength(5);
  });

  it("does not take the same call with another result for a loop", async () => {
    const turn = new TestTurn();
    let count = 0;
    const poll = textTool("poll", () => ({ output: `still ${9 - count++}` }));
    const same = Array.from({ length: 9 }, (_, index) => calls(`c${index}`, "poll", { text: "x" }));
    const outcome = await turn.run(new FakeModel(...same, says("done")), { tools: [poll] });
    expect(outcome.status).toBe("succeeded");
  });

  it("ends after too many denied permissions in a row", async () => {
    const turn = new TestTurn();
    let denied = 0;
    const careful = textTool("careful", (said) =>
      said === "ok" ? { output: "fine" } : { output: `no ${denied++}`, denied: true },
    );
    const asked = ["1", "2", "ok", "3", "4", "5", "6"];
    const model = new FakeModel(
      ...asked.map((said, i) => calls(`c${i}`, "careful", { text: said })),
    );
    const limits = { maxSteps: 20, providerIdleSeconds: 300, maxDenials: 3, toolSeconds: 600 };
    const outcome = await turn.run(model, { tools: [careful], limits });
    expect(outcome).toMatchObject({ errorName: "PermissionDenied", cause: "limit" });
    expect(denied).toBe(5);
    expect(turn.sink.messages.at(-2)?.parts[0]).toMatchObject({ state: "denied" });
  });

  it("ends a stream that is silent for too long, but not one that is slow", async () => {
    const turn = new TestTurn();
    const gates = [new Deferred<void>(), new Deferred<void>()];
    const model = new FakeModel(async function* (): AsyncGenerator<LanguageModelV3StreamPart> {
      yield* text("slow").slice(0, 2);
      await gates[0]?.promise;
      yield { type: "text-delta", id: "t", delta: "er" };
      await gates[1]?.promise;
    });
    const heard = new Deferred<void>();
    let appended = 0;
    turn.sink.onChange = (what) => {
      if (what.includes("append text") && ++appended === 2) heard.resolve();
    };
    const running = turn.run(model);
    await turn.clock.untilPending();
    turn.clock.advance(299_000);
    gates[0]?.resolve();
    await heard.promise;
    turn.clock.advance(299_000);
    expect(turn.clock.pending).toBe(1);
    turn.clock.advance(1_000);
    expect(await running).toMatchObject({
      status: "failed",
      errorName: "ProviderTimeout",
      cause: "provider",
      text: "slower",
    });
    gates[1]?.resolve();
  });

  it("ends a call whose answer never begins", async () => {
    const turn = new TestTurn();
    const model = new FakeModel();
    model.doStream = () => new Promise<never>(() => {});
    const running = turn.run(model);
    await turn.clock.untilPending();
    turn.clock.advance(300_000);
    const outcome = await running;
    expect(outcome.errorName).toBe("ProviderTimeout");
    expect(outcome.error).toContain("300 seconds");
  });
});
