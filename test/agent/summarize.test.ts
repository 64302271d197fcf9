import { APICallError } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { summarize } from "../../src/agent/summarize.js";
import type { HistoryMessage } from "../../src/engine/engine.js";
import { fakeInfo, prompt, TestTurn, textTool } from "../helpers/agentTurn.js";
import { calls, FakeModel, finish, says, toolCall } from "../helpers/fakeModel.js";

const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));
const history: HistoryMessage[] = [
  { id: "h1", role: "user", parts: [{ type: "text", text: "make it fast" }] },
  { id: "h2", role: "assistant", parts: [{ type: "text", text: "it is fast" }] },
];
const small = {
  id: "fake-1",
  provider: "fake",
  name: "Fake",
  canReason: false,
  supportsImages: false,
  contextWindow: 1000,
};

/** A history of one message, so many characters long. */
function longHistory(characters: number): HistoryMessage[] {
  return [{ id: "h1", role: "user", parts: [{ type: "text", text: "x".repeat(characters) }] }];
}

function tooLong(): Error {
  const message = "maximum context length exceeded";
  return new APICallError({ message, url: "", requestBodyValues: {}, statusCode: 400 });
}

describe("summarising a session", () => {
  it("stores one complete message and makes it the beginning of the history", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(says("All ", "is fast."));
    const outcome = await summarize(turn.input(model, { history }), turn.ports);
    expect(outcome).toEqual({ status: "succeeded", messageId: "m1", text: "All is fast." });
    expect(turn.sink.last.start).toMatchObject({ role: "assistant", isSummary: true });
    expect(turn.sink.summaryId).toBe("m1");
    expect(turn.sink.usages).toHaveLength(1);
    expect(JSON.stringify(model.calls[0]?.prompt)).toMatch(/make it fast.*it is fast/);
    expect(model.calls[0]?.providerOptions).toMatchObject({ turnwire: { purpose: "summary" } });
  });

  it("does nothing when there is nothing new", async () => {
    const turn = new TestTurn();
    const model = new FakeModel();
    const [first] = history;
    for (const given of [[], first ? [{ ...first, isSummary: true }] : []]) {
      const outcome = await summarize(turn.input(model, { history: given }), turn.ports);
      expect(outcome).toEqual({ status: "succeeded", text: "" });
    }
    expect(model.calls).toHaveLength(0);
  });

  it("leaves nothing behind when it is cancelled or fails", async () => {
    const turn = new TestTurn();
    const cancels = new FakeModel(() => {
      turn.cancel.abort();
      return says("half a summ");
    });
    expect(await summarize(turn.input(cancels, { history }), turn.ports)).toEqual({
      status: "cancelled",
      text: "",
    });
    const other = new TestTurn();
    for (const model of [new FakeModel(new Error("bad")), new FakeModel([finish()], [finish()])]) {
      expect(await summarize(other.input(model, { history }), other.ports)).toMatchObject({
        status: "failed",
        errorName: "ProviderError",
      });
    }
    expect([...turn.sink.messages, ...other.sink.messages]).toEqual([]);
    expect([turn.sink.summaryId, other.sink.summaryId]).toEqual([undefined, undefined]);
  });

  it("tries with less when the history does not fit into its own summary's call", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(tooLong(), tooLong(), says("short"));
    const long = history.map((message) => ({
      ...message,
      parts: [{ type: "text" as const, text: "word ".repeat(1000) }],
    }));
    const input = turn.input(model, { history: long }, small);
    expect(await summarize(input, turn.ports)).toMatchObject({ text: "short" });
    const sizes = model.calls.map((call) => JSON.stringify(call.prompt).length);
    expect(sizes.toSorted((a, b) => b - a)).toEqual(sizes);
    expect(new Set(sizes).size).toBeGreaterThan(1);
  });
});

describe("a turn that fills the context window", () => {
  it("summarises before its next call and goes on with the summary in the history's place", async () => {
    const turn = new TestTurn();
    const full = finish("tool-calls", { input: 800, output: 60 });
    const model = new FakeModel(
      [...toolCall("c1", "echo", { text: "x" }), full],
      says("SUMMARY"),
      says("done"),
    );
    const given = { history, tools: [echo], autoSummarize: true, prompt: prompt("go on, please") };
    const outcome = await turn.run(model, given, small);
    expect(outcome).toMatchObject({ status: "succeeded", text: "done" });
    expect(
      turn.sink.messages.map(({ role, start }) => role + (start.isSummary ? "!" : "")),
    ).toEqual(["user", "assistant", "tool", "assistant!", "assistant"]);
    expect(turn.sink.summaryId).toBe("m4");
    expect(model.calls[2]?.prompt.map(({ role }) => role)).toEqual(["system", "user", "user"]);
    const shown = JSON.stringify(model.calls[2]?.prompt);
    expect(shown).toMatch(/SUMMARY.*go on, please/);
    expect(shown).not.toContain("make it fast");
    expect(shown.split("go on, please")).toHaveLength(2);
  });

  it("summarises before its first call where what came before it nearly fills the window", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(says("SUMMARY"), says("done"));
    const past = longHistory(3_400);
    const given = { history: past, autoSummarize: true, prompt: prompt("and now?") };
    expect(await turn.run(model, given, small)).toMatchObject({
      status: "succeeded",
      text: "done",
    });
    expect(turn.sink.roles).toEqual(["user", "assistant", "assistant"]);
    expect(turn.sink.summaryId).toBe("m2");
    expect(turn.sink.messages[1]?.text).toBe("SUMMARY");
    expect(JSON.stringify(model.calls[0]?.prompt)).not.toContain("and now?");
  });

  it("keeps the prompt, attachments too, when it summarises what came before it", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(says("SUMMARY"), says("done"));
    const data = new Uint8Array([137, 80, 0]);
    const attachments = [{ name: "a.png", mimeType: "image/png", data }];
    const info = { ...small, supportsImages: true };
    const given = { history: longHistory(3_400), prompt: { text: "look", attachments } };
    await turn.run(model, { ...given, autoSummarize: true }, info);
    const shown = model.calls[1]?.prompt;
    expect(shown?.map(({ role }) => role)).toEqual(["system", "user", "user"]);
    expect(JSON.stringify(shown?.[1])).toMatch(/SUMMARY/);
    expect(shown?.[2]?.content).toMatchObject([
      { type: "text", text: "look" },
      { type: "file", data },
    ]);
    expect(model.calls[1]?.providerOptions).toMatchObject({ turnwire: { turnStart: 2 } });
  });

  const onlySummary = longHistory(8_000).map((message) => ({ ...message, isSummary: true }));
  it.each([
    ["it is told not to", { history: longHistory(8_000) }, small],
    ["it fits", { history: longHistory(3_200), autoSummarize: true }, small],
    ["the window is not known", { history: longHistory(8_000), autoSummarize: true }, fakeInfo],
    ["a summary is all there is", { history: onlySummary, autoSummarize: true }, small],
    [
      "the prompt is all there is",
      { prompt: prompt("x".repeat(5_000)), autoSummarize: true },
      small,
    ],
  ])("begins without a summary where %s", async (_, given, info) => {
    const turn = new TestTurn();
    const model = new FakeModel(says("done"));
    expect(await turn.run(model, given, info)).toMatchObject({ text: "done" });
    expect(turn.sink.summaryId).toBeUndefined();
  });

  it("does not when it is told not to", async () => {
    const turn = new TestTurn();
    const full = finish("tool-calls", { input: 990, output: 10 });
    const model = new FakeModel([...toolCall("c1", "echo", { text: "x" }), full], says("done"));
    await turn.run(model, { tools: [echo] }, small);
    expect(turn.sink.summaryId).toBeUndefined();
  });

  it("goes on as it is when no summary can be had", async () => {
    const turn = new TestTurn();
    const full = finish("tool-calls", { input: 990, output: 10 });
    const model = new FakeModel(
      [...toolCall("c1", "echo", { text: "x" }), full],
      new Error("no summary today"),
      says("done"),
    );
    const given = { tools: [echo], autoSummarize: true };
    expect(await turn.run(model, given, small)).toMatchObject({ text: "done" });
  });

  it("summarises once when the provider says that the conversation is too long", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(tooLong(), says("SUMMARY"), says("done"));
    const outcome = await turn.run(model, { history, autoSummarize: true });
    expect(outcome).toMatchObject({ status: "succeeded", text: "done" });
    expect(turn.sink.roles).toEqual(["user", "assistant", "assistant"]);

    const again = new TestTurn();
    const hopeless = new FakeModel(tooLong(), says("SUMMARY"), tooLong());
    expect(await again.run(hopeless, { history, autoSummarize: true })).toMatchObject({
      status: "failed",
      errorName: "ContextOverflow",
    });
  });

  it("summarises again when the conversation has grown too long again", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(
      tooLong(),
      says("FIRST"),
      calls("c1", "echo", { text: "x" }),
      tooLong(),
      says("SECOND"),
      says("done"),
    );
    const given = { history, autoSummarize: true, tools: [echo] };
    expect(await turn.run(model, given)).toMatchObject({ status: "succeeded", text: "done" });
    expect(JSON.stringify(model.calls[5]?.prompt)).toMatch(/SECOND/);
  });

  it("is summarised by another model where one is given, and goes on with its own", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(tooLong(), says("done"));
    const other = new FakeModel(says("SUMMARY"));
    const info = { ...small, id: "small-1" };
    const summaryModel = {
      info,
      selected: { provider: info.provider, model: info.id },
      load: async () => other,
    };
    const outcome = await turn.run(model, { history, autoSummarize: true, summaryModel });
    expect(outcome).toMatchObject({ status: "succeeded", text: "done" });
    expect(turn.sink.messages[1]?.start).toMatchObject({ isSummary: true, model: "small-1" });
  });

  it("fails as too long where the model for summaries cannot be loaded", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(tooLong());
    const summaryModel = {
      info: small,
      selected: { provider: small.provider, model: small.id },
      load: () => Promise.reject(new Error("no package")),
    };
    expect(await turn.run(model, { history, autoSummarize: true, summaryModel })).toMatchObject({
      status: "failed",
      errorName: "ContextOverflow",
    });
  });

  it("is cancelled by a cancel during its summary", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(tooLong(), () => {
      turn.cancel.abort();
      return says("SUMMARY");
    });
    const outcome = await turn.run(model, { history, autoSummarize: true });
    expect(outcome.status).toBe("cancelled");
    expect(turn.sink.roles).toEqual(["user", "assistant"]);
    expect(turn.sink.last.finished?.reason).toBe("cancelled");
  });

  it("uses up no step for a call that the provider refused as too long", async () => {
    const turn = new TestTurn();
    const limits = { maxSteps: 2, providerIdleSeconds: 300, maxDenials: 5, toolSeconds: 600 };
    const model = new FakeModel(
      tooLong(),
      says("SUMMARY"),
      calls("c1", "echo", { text: "x" }),
      says("done"),
    );
    const given = { history, autoSummarize: true, tools: [echo], limits };
    expect(await turn.run(model, given)).toMatchObject({ status: "succeeded" });
  });
});
