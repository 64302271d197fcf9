// Only a whole summary takes a history's place, asked for or automatic.
import { describe, expect, it } from "vitest";
import { summarize } from "../../src/agent/summarize.js";
import type { HistoryMessage } from "../../src/engine/engine.js";
import { thoughtEnd } from "../../src/models/thoughtMark.js";
import { prompt, TestTurn, textTool } from "../helpers/agentTurn.js";
import {
  calls,
  FakeModel,
  type FakeReply,
  finish,
  says,
  text,
  toolCall,
} from "../helpers/fakeModel.js";

const history: HistoryMessage[] = [
  { id: "h1", role: "user", parts: [{ type: "text", text: "make it fast" }] },
  { id: "h2", role: "assistant", parts: [{ type: "text", text: "it is fast" }] },
];

const unfinished: [string, FakeReply, string][] = [
  [
    "is cut at the most tokens",
    [...text("The user wants a pa"), finish("length")],
    "ProviderError",
  ],
  ["is withheld", [...text("The user"), finish("content-filter")], "ContentFilter"],
  [
    "calls a tool",
    [...text("I look"), ...toolCall("c", "ls", {}), finish("tool-calls")],
    "ProviderError",
  ],
  [
    "calls a tool and says that it stops",
    [...text("I look"), ...toolCall("c", "ls", {}), finish()],
    "ProviderError",
  ],
  ["ends for another reason", [...text("The user"), finish("other")], "ProviderError"],
  ["is thoughts alone", [...text("<think>hm, the user"), finish()], "ProviderError"],
  ["is thoughts and blanks", [...text("<think>hm</think>\n \n"), finish()], "ProviderError"],
  [
    "is a thought that was told as text",
    [
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta: "hm" },
      thoughtEnd("t"),
      finish(),
    ],
    "ProviderError",
  ],
  ["is empty", [finish()], "ProviderError"],
];

describe.each(unfinished)("a summary that %s", (_, reply, errorName) => {
  it("is asked for once more, then fails and leaves the session as it was", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(reply, reply);
    const outcome = await summarize(turn.input(model, { history }), turn.ports);
    expect(outcome).toMatchObject({ status: "failed", errorName });
    expect(outcome.error).toContain("no whole summary");
    expect(model.calls).toHaveLength(2);
    expect(JSON.stringify(model.calls[1]?.prompt)).toContain("make it fast");
    expect([turn.sink.messages, turn.sink.summaryId]).toEqual([[], undefined]);
    expect(turn.sink.usages).toHaveLength(2);
  });

  it("is followed by a whole one", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(reply, says("<think>hm</think>All is fast."));
    expect(await summarize(turn.input(model, { history }), turn.ports)).toMatchObject({
      status: "succeeded",
      text: "All is fast.",
    });
  });

  it("leaves the history in its place where it was automatic", async () => {
    const turn = new TestTurn();
    const small = { ...turn.input(new FakeModel()).model.info, contextWindow: 1000 };
    const full = finish("tool-calls", { input: 900 });
    const model = new FakeModel(
      [...toolCall("c1", "echo", { text: "x" }), full],
      ...[reply, reply],
      says("done"),
    );
    const tools = [textTool("echo", () => ({ output: "echoed" }))];
    const given = { history, tools, autoSummarize: true, prompt: prompt("go on") };
    expect(await turn.run(model, given, small)).toMatchObject({ status: "succeeded" });
    expect(turn.sink.summaryId).toBeUndefined();
    expect(JSON.stringify(model.calls.at(-1)?.prompt)).toMatch(/make it fast.*go on.*echoed/);
  });
});

it("a cancel between two tries ends it", async () => {
  const turn = new TestTurn();
  const model = new FakeModel(
    () => {
      turn.cancel.abort();
      return [finish()];
    },
    calls("c", "ls", {}),
  );
  expect(await summarize(turn.input(model, { history }), turn.ports)).toEqual({
    status: "cancelled",
    text: "",
  });
  expect(model.calls).toHaveLength(1);
});
