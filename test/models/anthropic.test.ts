import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { markForCaching } from "../../src/models/anthropic.js";
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

async function run(modelId = "claude-sonnet-5-5", reasoningEffort?: string) {
  const info = {
    id: modelId,
    provider: "anthropic",
    name: modelId,
    canReason: true,
    supportsImages: true,
  };
  const provider = {
    id: "anthropic",
    type: "anthropic",
    baseUrl: `${server.origin}/v1`,
    apiKey: "sk-ant-0123456789",
    headers: { "x-team": "blue" },
    models: [info],
  } as const;
  const model = await createLanguageModel(provider, info);
  const { model: chosen } = turn.input(model, {}, info);
  const selected = { ...chosen.selected, ...defined({ reasoningEffort }) };
  return turn.runThroughPauses(model, { tools: [echo], model: { ...chosen, selected } }, info);
}

function events(...data: { type: string; [other: string]: unknown }[]): SseEvent[] {
  return data.map((event) => ({ name: event.type, data: event }));
}

const start = {
  type: "message_start",
  message: {
    id: "m",
    model: "claude",
    role: "assistant",
    content: [],
    stop_reason: null,
    usage: { input_tokens: 3, cache_read_input_tokens: 20, cache_creation_input_tokens: 7 },
  },
};

function block(index: number, content: object, ...deltas: object[]) {
  return [
    { type: "content_block_start", index, content_block: content },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

function stop(stop_reason: string) {
  return [
    { type: "message_delta", delta: { stop_reason }, usage: { output_tokens: 4 } },
    { type: "message_stop" },
  ];
}

function says(text: string): SseEvent[] {
  const written = block(0, { type: "text", text: "" }, { type: "text_delta", text });
  return events(start, ...written, ...stop("end_turn"));
}

describe("an anthropic model", () => {
  it("is sent its key and marks for its cache, and reports what it read from there", async () => {
    server.enqueue(says("hi"));
    expect(await run()).toMatchObject({ status: "succeeded", text: "hi" });
    const [request] = server.requests;
    expect(request?.path).toBe("/v1/messages");
    expect(request?.headers).toMatchObject({ "x-api-key": "sk-ant-0123456789", "x-team": "blue" });
    const cache_control = { type: "ephemeral" };
    expect(request?.body).toMatchObject({
      system: [{ text: "You are a test.", cache_control }],
      messages: [{ role: "user", content: [{ text: "hello", cache_control }] }],
    });
    expect(turn.sink.usages).toMatchObject([{ promptTokens: 30, completionTokens: 4 }]);
  });

  it("gets its signed thoughts back with the results of its tools", async () => {
    server.enqueue(
      events(
        start,
        ...block(
          0,
          { type: "thinking", thinking: "" },
          { type: "thinking_delta", thinking: "hm" },
          { type: "signature_delta", signature: "SIGNED" },
        ),
        ...block(1, { type: "redacted_thinking", data: "HIDDEN" }),
        ...block(
          2,
          { type: "tool_use", id: "toolu_1", name: "echo", input: {} },
          { type: "input_json_delta", partial_json: '{"te' },
          { type: "input_json_delta", partial_json: 'xt":"a"}' },
        ),
        ...stop("tool_use"),
      ),
      says("done"),
    );
    expect(await run()).toMatchObject({ text: "done" });
    expect(turn.sink.messages[1]?.parts).toMatchObject([
      { type: "reasoning", text: "hm", providerMetadata: { anthropic: { signature: "SIGNED" } } },
      { type: "reasoning", text: "" },
      { type: "toolCall", toolCallId: "toolu_1", input: { text: "a" }, state: "completed" },
      { type: "finish" },
    ]);
    expect(server.requests[1]?.body).toMatchObject({
      messages: [
        { role: "user" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "SIGNED" },
            { type: "redacted_thinking", data: "HIDDEN" },
            { type: "tool_use", id: "toolu_1", input: { text: "a" } },
          ],
        },
        { role: "user", content: [{ type: "tool_result", content: "echo a" }] },
      ],
    });
  });

  it("is told an effort, or a budget of tokens where it knows nothing else", async () => {
    server.enqueue(says("a"), says("b"));
    await run("claude-sonnet-5-5", "high");
    await run("claude-haiku-4-5", "low");
    expect(server.requests[0]?.body).toMatchObject({
      thinking: { type: "adaptive", display: "summarized" },
      output_config: { effort: "high" },
    });
    expect(server.requests[1]?.body).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 4096 },
    });
  });

  it("is called again when it is overloaded, before its reply or within it", async () => {
    const overloaded = {
      type: "error",
      error: { type: "overloaded_error", message: "Overloaded" },
    };
    const begun = block(0, { type: "text", text: "" }, { type: "text_delta", text: "lost" });
    server.enqueue(events(overloaded), events(start, ...begun, overloaded), says("kept"));
    expect(await run()).toMatchObject({ status: "succeeded", text: "kept" });
    expect(server.requests).toHaveLength(3);
  });

  it("is called again when its stream ends before its message does", async () => {
    const begun = block(0, { type: "text", text: "" }, { type: "text_delta", text: "lost" });
    server.enqueue(events(start, ...begun), says("kept"));
    expect(await run()).toMatchObject({ status: "succeeded", text: "kept" });
  });
});

describe("marks for the cache", () => {
  it("are at the ends of the tools, of the system prompt and of the last two turns of the user", async () => {
    const called = block(0, { type: "tool_use", id: "c1", name: "echo", input: {} });
    server.enqueue(events(start, ...called, ...stop("tool_use")), says("done"));
    expect(await run()).toMatchObject({ status: "succeeded" });
    const marked = (value: unknown) => JSON.stringify(value).match(/cache_control/g)?.length ?? 0;
    const body = server.requests[1]?.body ?? {};
    const marks = [body.tools, body.system, body.messages].map((one) =>
      Array.isArray(one) ? one.map(marked) : one,
    );
    expect(marks).toEqual([[1], [1], [1, 0, 1]]);
  });

  it("are after the system prompt, at the end, and where the call before this one ended", () => {
    const user = { role: "user" as const, content: [] };
    const assistant = { role: "assistant" as const, content: [] };
    const system = { role: "system" as const, content: "s" };
    const marks = (prompt: Parameters<typeof markForCaching>[0]) =>
      markForCaching(prompt).flatMap(({ providerOptions }, index) =>
        providerOptions?.anthropic?.cacheControl ? [index] : [],
      );
    expect(marks([system, user])).toEqual([0, 1]);
    expect(marks([system, user, assistant, user, assistant, user])).toEqual([0, 3, 5]);
    expect(marks([])).toEqual([]);
  });
});
