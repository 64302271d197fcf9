import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { type SseEvent, type SseProvider, startSseProvider } from "../helpers/sseProvider.js";

const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));
const info = {
  id: "gpt-5.5",
  provider: "openai",
  name: "GPT",
  canReason: true,
  supportsImages: true,
};

let server: SseProvider;
let turn: TestTurn;
beforeEach(async () => {
  server = await startSseProvider();
  turn = new TestTurn();
});
afterEach(() => server.close());

async function run(reasoningEffort?: string) {
  const provider = {
    id: "openai",
    type: "openai",
    baseUrl: `${server.origin}/v1`,
    apiKey: "sk-0123456789",
    headers: {},
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

const created = {
  type: "response.created",
  response: { id: "resp_1", created_at: 0, model: "gpt-5.5" },
};

function text(output_index: number, delta: string) {
  const item = { type: "message", id: `msg_${output_index}` };
  return [
    { type: "response.output_item.added", output_index, item },
    { type: "response.output_text.delta", item_id: item.id, delta },
    { type: "response.output_item.done", output_index, item },
  ];
}

const completed = {
  type: "response.completed",
  response: { usage: { input_tokens: 9, output_tokens: 4 } },
};

describe("an openai model", () => {
  it("is called through the responses API, which stores nothing", async () => {
    server.enqueue(events(created, ...text(0, "hi"), completed));
    expect(await run()).toMatchObject({ status: "succeeded", text: "hi" });
    const [request] = server.requests;
    expect(request?.path).toBe("/v1/responses");
    expect(request?.headers.authorization).toBe("Bearer sk-0123456789");
    expect(request?.body).toMatchObject({
      store: false,
      include: ["reasoning.encrypted_content"],
    });
    expect(request?.body).not.toHaveProperty("reasoning");
    expect(turn.sink.usages).toMatchObject([{ promptTokens: 9, completionTokens: 4 }]);
  });

  it("gets its encrypted reasoning back with the results of its tools", async () => {
    const reasoning = { type: "reasoning", id: "rs_1", encrypted_content: null };
    const call = {
      type: "function_call",
      id: "fc_1",
      call_id: "call_1",
      name: "echo",
      arguments: '{"text":"a"}',
      status: "completed",
    };
    server.enqueue(
      events(
        created,
        { type: "response.output_item.added", output_index: 0, item: reasoning },
        {
          type: "response.output_item.done",
          output_index: 0,
          item: { ...reasoning, encrypted_content: "SEALED" },
        },
        {
          type: "response.output_item.added",
          output_index: 1,
          item: { ...call, arguments: "", status: "in_progress" },
        },
        {
          type: "response.function_call_arguments.delta",
          item_id: "fc_1",
          output_index: 1,
          delta: '{"text":"a"}',
        },
        { type: "response.output_item.done", output_index: 1, item: call },
        completed,
      ),
      events(created, ...text(0, "done"), completed),
    );
    expect(await run("high")).toMatchObject({ status: "succeeded", text: "done" });
    expect(server.requests[0]?.body).toMatchObject({
      reasoning: { effort: "high", summary: "auto" },
    });
    expect(server.requests[1]?.body.input).toMatchObject([
      { role: "developer" },
      { role: "user" },
      { type: "reasoning", id: "rs_1", encrypted_content: "SEALED" },
      { type: "function_call", call_id: "call_1", name: "echo" },
      { type: "function_call_output", call_id: "call_1", output: "echo a" },
    ]);
  });

  it("is called again when its stream ends before its response does", async () => {
    server.enqueue(
      events(created, ...text(0, "lost")),
      events(created, ...text(0, "kept"), completed),
    );
    expect(await run()).toMatchObject({ status: "succeeded", text: "kept" });
  });

  it("is called again when it fails in the middle of its reply", async () => {
    const error = {
      type: "error",
      sequence_number: 3,
      error: { type: "server_error", code: "server_error", message: "oops" },
    };
    server.enqueue(
      events(created, ...text(0, "lost"), error),
      events(created, ...text(0, "kept"), completed),
    );
    expect(await run()).toMatchObject({ status: "succeeded", text: "kept" });
  });
});
