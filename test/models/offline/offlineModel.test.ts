import type { LanguageModelV3Prompt, LanguageModelV3StreamPart } from "@ai-sdk/provider";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import type { Provider } from "../../../src/config/types.js";
import { noteOptions } from "../../../src/models/callNote.js";
import { createLanguageModel } from "../../../src/models/createLanguageModel.js";
import { prompt, TestTurn, textTool } from "../../helpers/agentTurn.js";

const info = {
  id: "offline",
  provider: "offline",
  name: "Offline model",
  canReason: true,
  supportsImages: false,
};
const provider: Provider = { id: "offline", type: "offline", headers: {}, models: [info] };
const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));

let turn: TestTurn;
beforeEach(() => {
  turn = new TestTurn();
});

async function run(text: string, change: Parameters<TestTurn["run"]>[1] = {}) {
  const model = await createLanguageModel(provider, info, turn.clock);
  const input = { prompt: prompt(text), tools: [echo], ...change };
  return turn.runThroughPauses(model, input, info);
}

async function partsOf(
  given: LanguageModelV3Prompt,
  purpose: "turn" | "title" | "summary" = "turn",
): Promise<LanguageModelV3StreamPart[]> {
  const model = await createLanguageModel(provider, info, systemClock);
  const { stream } = await model.doStream({
    prompt: given,
    providerOptions: noteOptions({ purpose }),
  });
  const parts: LanguageModelV3StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

function textOf(parts: readonly LanguageModelV3StreamPart[]): string {
  return parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join("");
}

function user(text: string): LanguageModelV3Prompt[number] {
  return { role: "user", content: [{ type: "text", text }] };
}

describe("the offline model", () => {
  it("repeats a prompt without a script and says how to configure a real model", async () => {
    const outcome = await run("What is this?");
    expect(outcome.status).toBe("succeeded");
    expect(outcome.text).toContain("offline model");
    expect(outcome.text).toContain("What is this?");
    expect(outcome.text).toMatch(/ANTHROPIC_API_KEY.*OPENAI_API_KEY.*GEMINI_API_KEY.*config\.json/);
  });

  it("says and thinks what its script says, a line each", async () => {
    expect(await run("Some words.\n@think let me see\n@say one\r\n@say two\n@say")).toMatchObject({
      status: "succeeded",
      text: "one\ntwo\n",
    });
    expect(turn.sink.last.parts[0]).toEqual({ type: "reasoning", text: "let me see" });
  });

  it("plays its script across tool calls, each in a model call of its own", async () => {
    const script = [
      "@say before",
      '@tool echo {"text":"1"}',
      "@say between",
      '@tool echo {"text":"2"}',
      "@say after",
    ];
    expect(await run(script.join("\n"))).toMatchObject({ status: "succeeded", text: "after" });
    expect(turn.sink.messages.map(({ role, text }) => `${role}: ${text}`).slice(1)).toEqual([
      "assistant: before",
      "tool: ",
      "assistant: between",
      "tool: ",
      "assistant: after",
    ]);
    const outputs = turn.sink.messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === "toolResult" ? [part.output] : [])),
    );
    expect(outputs).toEqual(["echo 1", "echo 2"]);
  });

  it("plays the script of a folded prompt behind what is left of the turn's own", async () => {
    turn.sink.folds.push([], [prompt("@say folded"), prompt("plain words")]);
    await run('@tool echo {"text":"1"}\n@say own');
    expect(turn.sink.last.text).toMatch(
      /^own\nfolded\nThis is Turnwire's offline model[\s\S]*plain words/,
    );
  });

  it("goes through tool calls of folded prompts in order", async () => {
    turn.sink.folds.push([], [prompt('@say f1\n@tool echo {"text":"f"}\n@say f2')]);
    await run('@tool echo {"text":"1"}\n@say own\n@tool echo {"text":"2"}\n@say last');
    const said = turn.sink.messages.filter(({ role }) => role === "assistant");
    expect(said.map(({ text }) => text)).toEqual(["", "own", "last\nf1", "f2"]);
  });

  it("does not go on with the script of a turn that failed or was cancelled", async () => {
    await run('@tool echo {"text":"1"}\n@fail 400 bad\n@say never');
    const history = turn.sink.messages.map(({ id, role, parts }) => ({ id, role, parts }));
    expect(await run("@say new", { history })).toMatchObject({ text: "new" });
  });

  it("works out where the turn begins when nobody says", async () => {
    const given: LanguageModelV3Prompt = [
      user("@say old"),
      { role: "assistant", content: [{ type: "text", text: "old" }] },
      user('@tool echo {"text":"1"}\n@say new'),
      {
        role: "assistant",
        content: [{ type: "tool-call", toolCallId: "1", toolName: "echo", input: {} }],
      },
      {
        role: "tool",
        content: [
          {
            type: "tool-result",
            toolCallId: "1",
            toolName: "echo",
            output: { type: "text", value: "" },
          },
        ],
      },
    ];
    expect(textOf(await partsOf(given))).toBe("new");
  });

  it("hands on malformed tool input as it is, so that the loop answers for it", async () => {
    await run('@tool echo {"text":\n@say done');
    expect(turn.sink.messages[2]?.parts[0]).toMatchObject({ isError: true });
    expect(turn.sink.last.text).toBe("done");
  });

  it.each([
    ["@dance", '"@dance"'],
    ["@chunks many", "@chunks N [BYTES]"],
    ["@wait", "@wait MS"],
    ["@tool", "@tool NAME {json}"],
    ["@fail 200 fine", "@fail STATUS MESSAGE"],
  ])("says what is wrong with %s", async (line, said) => {
    expect((await run(`${line}\n@say and on`)).text).toMatch(
      new RegExp(`${said.replaceAll(/[[\](){}]/g, "\\$&")}[\\s\\S]*and on$`),
    );
  });

  it("streams exactly as many chunks of exactly the size that was asked for", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(600), fc.nat(100), async (count, size) => {
        const parts = await partsOf([user(`@chunks ${count} ${size}`)]);
        const deltas = parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : []));
        expect(deltas.map((delta) => delta.length)).toEqual(Array(count).fill(size));
      }),
      { numRuns: 30 },
    );
  });

  it("streams a hundred thousand chunks, and the same ones every time", async () => {
    const first = await run("@chunks 100000 16");
    expect(first.text).toHaveLength(1_600_000);
    expect((await run("@chunks 100000 16")).text === first.text).toBe(true);
  });

  it("stops at once in the middle of its chunks", async () => {
    setImmediate(() => turn.cancel.abort());
    const outcome = await run("@chunks 5000000 1");
    expect(outcome.status).toBe("cancelled");
    expect(outcome.text.length).toBeLessThan(5_000_000);
  });

  it("waits as long as it is told, and stops at once in the middle of it", async () => {
    const model = await createLanguageModel(provider, info, turn.clock);
    const running = turn.run(model, { prompt: prompt("@wait 60000\n@say late") }, info);
    await turn.clock.untilPending(2);
    expect(turn.clock.nextDue).toBe(60_000);
    turn.cancel.abort();
    expect(await running).toMatchObject({ status: "cancelled", text: "" });
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(turn.clock.pending).toBe(0);
  });

  it("fails like a provider, before its stream or in the middle of it", async () => {
    expect(await run("@fail 401 who are you")).toMatchObject({ errorName: "ProviderAuth" });
    const began = turn.clock.now();
    const outcome = await run("@say some\n@fail 429 slow down");
    expect(outcome).toMatchObject({ status: "failed", errorName: "RateLimited", text: "some" });
    expect(outcome.error).toContain("slow down");
    expect(turn.clock.now() - began).toBeLessThan(100);
  });

  it("counts its usage in words", async () => {
    await run("@say one two three", { systemPrompt: "a b" });
    expect(turn.sink.usages).toEqual([{ promptTokens: 6, completionTokens: 3, cost: 0 }]);
  });

  it("gives a title and a summary without playing a script", async () => {
    const title = textOf(await partsOf([user("@say Fix the parser of dates please now")], "title"));
    expect(title).toBe("Fix the parser of dates please");
    const summary = textOf(await partsOf([user("@fail 500 no")], "summary"));
    expect(summary).toBe("The offline model's summary of 3 words.");
  });

  it("has nothing to do when a summary has taken the place of its script", async () => {
    expect(textOf(await partsOf([{ role: "system", content: "x" }]))).toContain("nothing left");
  });
});
