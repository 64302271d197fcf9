// What a turn does about a context window that fills up: what is kept, what is summarised, and when
// summaries end.
import { APICallError } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import type { HistoryMessage } from "../../src/engine/engine.js";
import { fakeInfo, prompt, TestTurn, textTool } from "../helpers/agentTurn.js";
import { calls, FakeModel, type FakeReply, finish, says, toolCall } from "../helpers/fakeModel.js";

const info = { ...fakeInfo, supportsImages: true, contextWindow: 8000 };
const history: HistoryMessage[] = [
  { id: "h1", role: "user", parts: [{ type: "text", text: "the first wish" }] },
  { id: "h2", role: "assistant", parts: [{ type: "text", text: "granted" }] },
];
const log = {
  name: "a.log",
  mimeType: "text/plain",
  data: Buffer.from(`BEGIN${"l".repeat(4000)}END`),
};
const image = { name: "a.png", mimeType: "image/png", data: new Uint8Array([137, 80, 78, 71]) };
const withFiles = { text: `look ${"w".repeat(2000)} closely`, attachments: [log, image] };

function tooLong(): Error {
  const message = "maximum context length exceeded";
  return new APICallError({ message, url: "", requestBodyValues: {}, statusCode: 400 });
}

/** A reply without a word about tokens. */
function silent(reply: readonly unknown[]): FakeReply {
  return (reply as ReturnType<typeof says>).map((part) =>
    part.type === "finish"
      ? {
          ...part,
          usage: {
            inputTokens: none,
            outputTokens: { total: undefined, text: undefined, reasoning: undefined },
          },
        }
      : part,
  );
}
const none = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };

const big = textTool("read", (size) => ({ output: "r".repeat(Number(size)) }));
const purposes = (model: FakeModel) =>
  model.calls.map(({ providerOptions }) => providerOptions?.turnwire?.purpose);
const sent = (model: FakeModel, call: number) => model.calls.at(call)?.prompt.slice(1) ?? [];

describe("what the user says in a turn", () => {
  it.each([
    ["at its first call", [tooLong(), says("SUMMARY"), says("done")]],
    [
      "after some steps",
      [calls("1", "read", { text: "10" }), tooLong(), says("SUMMARY"), says("done")],
    ],
  ])("goes whole behind a summary, once, with its attachments: overflow %s", async (_, replies) => {
    const turn = new TestTurn();
    const model = new FakeModel(...replies);
    const given = { history, prompt: withFiles, tools: [big], autoSummarize: true };
    expect(await turn.run(model, given, info)).toMatchObject({ status: "succeeded" });
    const [summary, said, ...more] = sent(model, -1);
    expect(more).toEqual([]);
    expect(JSON.stringify(summary)).toContain("SUMMARY");
    expect(said?.content).toEqual([
      { type: "text", text: withFiles.text },
      expect.objectContaining({ text: expect.stringMatching(/BEGINl{4000}END/) }),
      expect.objectContaining({ type: "file", data: image.data }),
    ]);
    expect(JSON.stringify(summary)).not.toContain("look");
  });

  it("is no part of a summary that is made before it is worked on", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(tooLong(), says("SUMMARY"), says("done"));
    await turn.run(model, { history, prompt: withFiles, autoSummarize: true }, info);
    const shown = JSON.stringify(model.calls[1]?.prompt);
    expect(shown).toContain("the first wish");
    expect(shown).not.toContain("closely");
  });

  it("stays, also what joined the turn, over one summary after the other", async () => {
    const turn = new TestTurn();
    turn.sink.folds.push([], [prompt("and this")]);
    const step = (id: string) => calls(id, "read", { text: "10" });
    const model = new FakeModel(
      ...[
        step("1"),
        step("2"),
        tooLong(),
        says("ONE"),
        step("3"),
        tooLong(),
        says("TWO"),
        says("done"),
      ],
    );
    await turn.run(model, {
      history,
      prompt: prompt("do this"),
      tools: [big],
      autoSummarize: true,
    });
    const texts = sent(model, -1).map(({ content }) => JSON.stringify(content));
    expect(texts).toHaveLength(3);
    expect(texts[0]).toContain("TWO");
    expect(texts.slice(1).join()).toMatch(/do this.*and this/);
    expect(JSON.stringify(model.calls[6]?.prompt)).toMatch(/ONE/);
  });

  it("that cannot fit fails the run at once, and is named", async () => {
    const turn = new TestTurn();
    const model = new FakeModel();
    const data = Buffer.from("l".repeat(5_000_000));
    const attachments = [{ ...log, data }, image];
    const given = { history, prompt: { text: "look", attachments }, autoSummarize: true };
    const outcome = await turn.run(model, given, info);
    expect(outcome).toMatchObject({ status: "failed", errorName: "ContextOverflow" });
    expect(outcome.error).toMatch(/the attachment "a\.log" \(about 1,250,\d+ tokens\)/);
    expect(model.calls).toEqual([]);
    expect(turn.sink.summaryId).toBeUndefined();
  });

  it.each(["w".repeat(60_000), "汉".repeat(15_000)])("alone can be too long: %#", async (text) => {
    const turn = new TestTurn();
    const outcome = await turn.run(new FakeModel(), { prompt: prompt(text) }, info);
    expect(outcome).toMatchObject({ status: "failed", errorName: "ContextOverflow" });
    expect(outcome.error).toContain("The largest of it: the prompt (about 15,0");
  });

  it("that its provider refuses alone fails the run, in the provider's words and ours", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(tooLong());
    const outcome = await turn.run(model, { prompt: withFiles, autoSummarize: true });
    expect(outcome).toMatchObject({ errorName: "ContextOverflow", cause: "provider" });
    expect(outcome.error).toMatch(/maximum context length.*the attachment "a\.log"/);
    expect(purposes(model)).toEqual(["turn"]);
  });
});

it("a conversation that may not be summarised says what fills it, and blames no summary", async () => {
  const turn = new TestTurn();
  const outcome = await turn.run(new FakeModel(tooLong()), { history }, info);
  expect(outcome).toMatchObject({ errorName: "ContextOverflow" });
  expect(outcome.error).toMatch(/maximum context length.*The largest of it: /);
  expect(outcome.error).not.toContain("a summary");
});

describe("what a call holds, where the provider says nothing of it", () => {
  it.each([
    ["nothing", silent],
    [
      "0",
      (reply: ReturnType<typeof says>) => [
        ...reply.slice(0, -1),
        finish("tool-calls", { input: 0, output: 0 }),
      ],
    ],
  ])("is estimated within a turn: %s", async (_, usage) => {
    const turn = new TestTurn();
    const step = (id: string) => usage(calls(id, "read", { text: "9000" }));
    const model = new FakeModel(step("1"), step("2"), step("3"), says("SUMMARY"), says("done"));
    const given = { tools: [big], autoSummarize: true };
    expect(await turn.run(model, given, info)).toMatchObject({ status: "succeeded" });
    expect(purposes(model)).toEqual(["turn", "turn", "turn", "summary", "turn"]);
  });

  it("counts the results that came behind what the provider told", async () => {
    const turn = new TestTurn();
    const told = finish("tool-calls", { input: 4000, output: 100 });
    const model = new FakeModel(
      [...toolCall("1", "read", { text: "12000" }), told],
      says("SUMMARY"),
      says("done"),
    );
    await turn.run(model, { tools: [big], autoSummarize: true }, info);
    expect(purposes(model)).toEqual(["turn", "summary", "turn"]);
  });

  it("counts the tools' descriptions, and what the reply may have", async () => {
    const wordy = { ...big, description: "d".repeat(27_000) };
    const turn = new TestTurn();
    const model = new FakeModel(says("SUMMARY"), says("done"));
    await turn.run(model, { history, tools: [wordy], autoSummarize: true }, info);
    expect(purposes(model)).toEqual(["summary", "turn"]);

    const other = new TestTurn();
    const again = new FakeModel(says("SUMMARY"), says("done"));
    const past = [
      ...history,
      {
        ...history[0],
        id: "h3",
        role: "user" as const,
        parts: [{ type: "text" as const, text: "x".repeat(18_000) }],
      },
    ];
    const roomy = { ...info, defaultMaxTokens: 4000 };
    await other.run(again, { history: past, autoSummarize: true }, roomy);
    expect(purposes(again)).toEqual(["summary", "turn"]);
  });
});

describe("summaries that bring no room", () => {
  it("end after two in a row, and say what fills the window", async () => {
    const turn = new TestTurn();
    let step = 0;
    const next = (options: Parameters<Extract<FakeReply, (...given: never) => unknown>>[0]) =>
      options.providerOptions?.turnwire?.purpose === "summary"
        ? says("SUMMARY")
        : [
            ...toolCall(`c${step++}`, "read", { text: `${step}` }),
            finish("tool-calls", { input: 7500 }),
          ];
    const model = new FakeModel(...Array.from({ length: 40 }, () => next));
    const given = { history, systemPrompt: "i".repeat(28_000), tools: [big], autoSummarize: true };
    const outcome = await turn.run(model, given, info);
    expect(outcome).toMatchObject({
      status: "failed",
      errorName: "ContextOverflow",
      cause: "limit",
    });
    expect(outcome.error).toMatch(
      /The largest of it: the instructions, with AGENTS.md \(about 7,000 tokens\)/,
    );
    expect(purposes(model).filter((purpose) => purpose === "summary")).toHaveLength(2);
  });

  it("end also where each step fills again what a summary has freed", async () => {
    const turn = new TestTurn();
    let step = 0;
    const next = (options: Parameters<Extract<FakeReply, (...given: never) => unknown>>[0]) =>
      options.providerOptions?.turnwire?.purpose === "summary"
        ? says("SUMMARY")
        : [...toolCall(`c${step++}`, "read", { text: `${40_000 + step}` }), finish("tool-calls")];
    const model = new FakeModel(...Array.from({ length: 60 }, () => next));
    const outcome = await turn.run(model, { history, tools: [big], autoSummarize: true }, info);
    expect(outcome).toMatchObject({ errorName: "ContextOverflow" });
    expect(outcome.error).toMatch(/The largest of it: the results of tools/);
    expect(purposes(model).filter((purpose) => purpose === "summary")).toHaveLength(5);
  });

  it("are none where work was done between them", async () => {
    const turn = new TestTurn();
    const step = (id: string, input = 10) => [
      ...toolCall(id, "read", { text: id }),
      finish("tool-calls", { input }),
    ];
    const round = (n: number) => [step(`${n}1`), step(`${n}2`, 7500), says(`SUMMARY ${n}`)];
    const replies = [1, 2, 3, 4, 5, 6].flatMap(round);
    const model = new FakeModel(...replies, says("done"));
    const given = { history, tools: [big], autoSummarize: true };
    expect(await turn.run(model, given, info)).toMatchObject({ status: "succeeded" });
  });

  it("are not paid for where no step is left", async () => {
    const turn = new TestTurn();
    const limits = { maxSteps: 1, providerIdleSeconds: 300, maxDenials: 5, toolSeconds: 600 };
    const model = new FakeModel([
      ...toolCall("1", "read", { text: "1" }),
      finish("tool-calls", { input: 7900 }),
    ]);
    const given = { history, tools: [big], autoSummarize: true, limits };
    expect(await turn.run(model, given, info)).toMatchObject({ errorName: "StepLimit" });
    expect(purposes(model)).toEqual(["turn"]);
  });
});

describe("a long history with a small model for its summary", () => {
  const past: HistoryMessage[] = Array.from({ length: 400 }, (_, index) => ({
    id: `h${index}`,
    role: index % 2 === 0 ? "user" : "assistant",
    parts: [{ type: "text", text: `<${index}> ${"word ".repeat(200)}` }],
  }));

  it("is summarised piece by piece, every message in one of them", async () => {
    const turn = new TestTurn();
    const tiny = { ...fakeInfo, id: "tiny", contextWindow: 4000 };
    const writer = new FakeModel(...Array.from({ length: 9 }, (_, index) => says(`SUM${index}`)));
    const model = new FakeModel(tooLong(), says("done"));
    const summaryModel = {
      info: tiny,
      selected: { provider: "fake", model: "tiny" },
      load: async () => writer,
    };
    const outcome = await turn.run(model, { history: past, autoSummarize: true, summaryModel });
    expect(outcome).toMatchObject({ status: "succeeded" });
    const shown = writer.calls.map((call) => JSON.stringify(call.prompt));
    expect(shown.length).toBeGreaterThan(1);
    for (const index of past.keys()) {
      expect(shown.some((text) => text.includes(`<${index}> `))).toBe(true);
    }
    for (const [index, text] of shown.slice(1).entries()) expect(text).toContain(`SUM${index}`);
    expect(turn.sink.messages[1]?.text).toBe(`SUM${shown.length - 1}`);
  });

  it("fails by name where the window is far too small, and the history stays", async () => {
    const turn = new TestTurn();
    const tiny = { ...fakeInfo, id: "tiny", contextWindow: 300 };
    const summaryModel = {
      info: tiny,
      selected: { provider: "fake", model: "tiny" },
      load: async () => new FakeModel(),
    };
    const model = new FakeModel(tooLong());
    const outcome = await turn.run(model, { history: past, autoSummarize: true, summaryModel });
    expect(outcome).toMatchObject({ errorName: "ContextOverflow" });
    expect(outcome.error).toMatch(/maximum context length.*the model "tiny"/);
    expect(turn.sink.summaryId).toBeUndefined();
  });
});
