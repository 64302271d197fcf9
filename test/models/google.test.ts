import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { type SseEvent, type SseProvider, startSseProvider } from "../helpers/sseProvider.js";

const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));

let server: SseProvider;
let turn: TestTurn;
beforeEach(async () => {
  server = await startSseProvider();
  turn = new TestTurn();
});
afterEach(() => server.close());

async function run(modelId = "gemini-3-pro", reasoningEffort?: string) {
  const info = {
    id: modelId,
    provider: "google",
    name: modelId,
    canReason: true,
    supportsImages: true,
  };
  const provider = {
    id: "google",
    type: "google",
    baseUrl: `${server.origin}/v1beta`,
    apiKey: "key-0123456789",
    headers: {},
    models: [info],
  } as const;
  const model = await createLanguageModel(provider, info);
  const { model: chosen } = turn.input(model, {}, info);
  const selected = { ...chosen.selected, ...defined({ reasoningEffort }) };
  return turn.runThroughPauses(model, { tools: [echo], model: { ...chosen, selected } }, info);
}

function chunk(parts: object[], finishReason?: string): SseEvent {
  const candidate = { content: { role: "model", parts }, ...defined({ finishReason }) };
  const usageMetadata = { promptTokenCount: 8, candidatesTokenCount: 3, totalTokenCount: 11 };
  return { data: { candidates: [candidate], usageMetadata } };
}

describe("a google model", () => {
  it("is sent its key and the conversation", async () => {
    server.enqueue([chunk([{ text: "h" }]), chunk([{ text: "i" }], "STOP")]);
    expect(await run()).toMatchObject({ status: "succeeded", text: "hi" });
    const [request] = server.requests;
    expect(request?.path).toBe("/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse");
    expect(request?.headers["x-goog-api-key"]).toBe("key-0123456789");
    expect(turn.sink.usages).toMatchObject([{ promptTokens: 8, completionTokens: 3 }]);
  });

  it("gets the signatures of its thoughts back with the results of its tools", async () => {
    const functionCall = { name: "echo", args: { text: "a" } };
    server.enqueue(
      [
        chunk([{ text: "hm", thought: true }]),
        chunk([{ functionCall, thoughtSignature: "SIGNED" }], "STOP"),
      ],
      [chunk([{ text: "done" }], "STOP")],
    );
    expect(await run()).toMatchObject({ status: "succeeded", text: "done" });
    expect(turn.sink.messages[1]?.parts).toMatchObject([
      { type: "reasoning", text: "hm" },
      { type: "toolCall", input: { text: "a" }, state: "completed" },
      { type: "finish" },
    ]);
    expect(JSON.stringify(server.requests[1]?.body.contents)).toMatch(
      /"functionCall":.*"thoughtSignature":"SIGNED".*"functionResponse":.*echo a/,
    );
  });

  it("is told a level of thinking, or a budget of tokens where it knows nothing else", async () => {
    server.enqueue([chunk([{ text: "a" }], "STOP")], [chunk([{ text: "b" }], "STOP")]);
    await run("gemini-3-pro", "low");
    await run("gemini-2.5-pro", "low");
    expect(server.requests[0]?.body).toMatchObject({
      generationConfig: { thinkingConfig: { thinkingLevel: "low", includeThoughts: true } },
    });
    expect(server.requests[1]?.body).toMatchObject({
      generationConfig: { thinkingConfig: { thinkingBudget: 2048, includeThoughts: true } },
    });
  });

  it("is called again when its stream ends without a reason to finish", async () => {
    server.enqueue([chunk([{ text: "lost" }])], [chunk([{ text: "kept" }], "STOP")]);
    expect(await run()).toMatchObject({ status: "succeeded", text: "kept" });
  });

  it("is called again when it garbles a call, and fails when it does so again", async () => {
    const garbled = () => [chunk([{ text: "" }], "MALFORMED_FUNCTION_CALL")];
    server.enqueue(garbled(), garbled());
    const outcome = await run();
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderError" });
    expect(outcome.error).toContain("MALFORMED_FUNCTION_CALL");
    expect(server.requests).toHaveLength(2);
  });

  it("fails as ContentFilter when its safety settings withhold the reply", async () => {
    server.enqueue([chunk([{ text: "I" }], "SAFETY")]);
    expect(await run()).toMatchObject({ errorName: "ContentFilter" });
  });
});
