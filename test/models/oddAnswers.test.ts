// Answers that providers and servers really give, and that no package understands by itself.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Provider } from "../../src/config/types.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, type WireFormat, wireFormats } from "../helpers/wireFormats.js";

const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));
const info = { id: "model-1", provider: "acme", name: "M", canReason: true, supportsImages: true };
const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;

let server: RawProvider;
let turn: TestTurn;
beforeEach(async () => {
  server = await RawProvider.start();
  turn = new TestTurn();
});
afterEach(() => server.close());

async function run(type: WireFormat["type"], path = "/v1") {
  const provider: Provider = {
    id: "acme",
    type,
    headers: {},
    baseUrl: `${server.origin}${path}`,
    models: [info],
    apiKey: "key-0123456789",
    ...formatOf(type).account,
  };
  const model = await createLanguageModel(provider, info);
  return turn.runThroughPauses(model, { tools: [echo] }, info);
}

const partsOf = (message: number) => turn.sink.messages[message]?.parts ?? [];
const formatOf = (type: WireFormat["type"]) => {
  const format = wireFormats.find((one) => one.type === type);
  if (format === undefined) throw new Error(type);
  return format;
};
const done = (type: WireFormat["type"]) => answerOf(formatOf(type), { text: ["Done."] });

describe("chat completions", () => {
  const type = "openai-compatible";
  const chunk = (delta: object, finish_reason: string | null = null) =>
    data({ id: "c", model: "x", choices: [{ index: 0, delta, finish_reason }] });
  const call = (args: unknown, name = "echo") => ({
    tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name, arguments: args } }],
  });
  const finished = (reason: string) => `${chunk({}, reason)}data: [DONE]\n\n`;

  it("may have arguments that are an object", async () => {
    server.enqueue({ body: chunk(call({ text: "x" })) + finished("tool_calls") }, done(type));
    expect(await run(type)).toMatchObject({ status: "succeeded", text: "Done." });
    expect(partsOf(1)[0]).toMatchObject({ input: { text: "x" }, state: "completed" });
    expect(server.requests[1]?.body).toContain("echo x");
  });

  it("may have the closing tag of a thought alone", async () => {
    const cut = ["I lo", "ok.\n</thi", "nk>", "\n\n", "It is 4."];
    const body = cut.map((content) => chunk({ content })).join("");
    server.enqueue({ body: body + finished("stop") });
    expect(await run(type)).toMatchObject({ status: "succeeded", text: "It is 4." });
    expect(partsOf(1).slice(0, 2)).toEqual([
      { type: "reasoning", text: "I look.\n" },
      { type: "text", text: "It is 4." },
    ]);
  });

  it.each([
    ['{"id":"c","choices":null}'],
    ["{}"],
    ['{"type":"ping"}'],
    ['{"id":"c","model":"x","usage":null}'],
  ])("may have events that say nothing: %s", async (nothing) => {
    const body = `data: ${nothing}\n\n${chunk({ content: "Done." })}data: ${nothing}\n\n`;
    server.enqueue({ body: body + finished("stop") });
    expect(await run(type)).toMatchObject({ status: "succeeded", text: "Done." });
  });

  it.each([
    ['{"message":"boom"}'],
    ['{"object":"error","message":"boom","code":400,"type":"BadRequestError","param":null}'],
    ['{"error":"boom"}'],
    ['{"detail":"boom"}'],
    ['{"error":{"message":"boom","code":400}}'],
  ])("may break off with an error in any form: %s", async (error) => {
    server.usual = { body: `${chunk({ content: "Beg" })}event: error\ndata: ${error}\n\n` };
    const outcome = await run(type);
    expect(outcome.status).toBe("failed");
    expect(outcome.error).toContain("(boom)");
    expect(outcome.error).not.toContain("Type validation");
  });

  it("are whole where they end with [DONE] after an answer", async () => {
    server.enqueue({ body: `${chunk(call('{"text":"x"}'))}data: [DONE]\n\n` });
    server.enqueue({ body: `${chunk({ content: "All." })}data: [DONE]\n\n` });
    expect(await run(type)).toMatchObject({ status: "succeeded", text: "All." });
    expect(server.requests).toHaveLength(2);
  });

  it("are not where they end with [DONE] alone", async () => {
    server.usual = { body: "data: [DONE]\n\n" };
    expect(await run(type)).toMatchObject({ status: "failed", errorName: "ProviderUnreachable" });
  });

  it("keep details of reasoning, and give them back as they were, in their place", async () => {
    const first = { type: "reasoning.text", format: "f-1", index: 0 };
    const sealed = { type: "reasoning.encrypted", data: "c2VhbGVk", id: "r1", index: 1 };
    const body = [
      chunk({ reasoning: "I ", reasoning_details: [{ ...first, text: "I " }] }),
      chunk({ reasoning: "look", reasoning_details: [{ ...first, text: "look" }] }),
      chunk({ reasoning_details: [{ ...first, text: "", signature: "sig" }] }),
      chunk(call('{"text":"x"}')),
      chunk({ reasoning_details: [sealed] }),
      finished("tool_calls"),
    ].join("");
    server.enqueue({ body }, done(type));
    expect(await run(type)).toMatchObject({ status: "succeeded" });
    expect(partsOf(1)[0]).toMatchObject({ type: "reasoning", text: "I look" });
    const { messages } = JSON.parse(server.requests[1]?.body ?? "{}");
    const assistant = messages.find(({ role }: { role: string }) => role === "assistant");
    expect(assistant.reasoning_details).toEqual([
      { ...first, text: "I look", signature: "sig" },
      sealed,
    ]);
    expect(assistant).not.toHaveProperty("reasoning_content");
  });

  it("take thoughts between tags for reasoning", async () => {
    const text = ["<th", "ink>I look</th", "ink>\n\nIt ", "is 4."];
    const body = text.map((content) => chunk({ content })).join("") + finished("stop");
    server.enqueue({ body, pieceBytes: 5 });
    expect(await run(type)).toMatchObject({ status: "succeeded", text: "It is 4." });
    expect(partsOf(1)[0]).toMatchObject({ type: "reasoning", text: "I look" });
  });

  it.each([
    ["error", "the reply ended with"],
    ["abort", "the reply ended with"],
    ["network_error", "the reply ended with"],
    ["tool_calls", "has none"],
  ])("that end with %s are asked for again, then fail with a name", async (reason, words) => {
    const body = chunk({ content: "Half a" }) + finished(reason);
    server.enqueue({ body }, done(type));
    expect(await run(type)).toMatchObject({ status: "succeeded", text: "Done." });
    turn = new TestTurn();
    server.usual = { body };
    const outcome = await run(type);
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderError" });
    expect(outcome.error).toContain(words);
  });

  it.each([
    ["an empty name", chunk(call('{"text":"x"}', "")) + finished("tool_calls")],
    ["nothing at all", finished("stop")],
    ["blanks alone", chunk({ content: "\n \n" }) + finished("stop")],
    ["a thought alone", chunk({ content: "<think>hm</think>" }) + finished("stop")],
    ["the end of a thought alone", chunk({ content: "hm\n</think>\n" }) + finished("stop")],
  ])("with %s are no success", async (_, body) => {
    server.usual = { body };
    expect(await run(type)).toMatchObject({ status: "failed", errorName: "ProviderError" });
    expect(server.requests.length).toBeGreaterThan(1);
  });
});

describe("Gemini", () => {
  it.each(["UNEXPECTED_TOOL_CALL", "MALFORMED_FUNCTION_CALL", "OTHER"])(
    "that ends with %s is asked again, then fails with that name",
    async (finishReason) => {
      const content = { role: "model", parts: [{ text: "Half" }] };
      server.usual = { body: data({ candidates: [{ content, finishReason }] }) };
      const outcome = await run("google", "/v1beta");
      expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderError" });
      expect(outcome.error).toContain(finishReason);
      expect(server.requests).toHaveLength(2);
    },
  );

  it("with an empty STOP is no success", async () => {
    server.enqueue({ body: data({ candidates: [{ finishReason: "STOP" }] }) }, done("google"));
    expect(await run("google", "/v1beta")).toMatchObject({ status: "succeeded", text: "Done." });
  });
});

describe("the Responses API", () => {
  const added = (output_index: number, item: object) =>
    data({ type: "response.output_item.added", output_index, item });
  const ended = (output_index: number, item: object) =>
    data({ type: "response.output_item.done", output_index, item });
  const completed = data({
    type: "response.completed",
    response: { usage: { input_tokens: 10, output_tokens: 5 } },
  });
  const created = data({
    type: "response.created",
    response: { id: "r", created_at: 0, model: "x" },
  });

  it.each([
    ['{"type":"response.failed","response":{"error":{"code":"bad","message":"boom"}}}'],
    ['{"type":"error","code":"bad","message":"boom","param":null}'],
    ['{"type":"error","error":{"type":"bad","code":"bad","message":"boom","param":null}}'],
  ])("tells an error without a number in the provider's words: %s", async (error) => {
    server.usual = { body: `${created}data: ${error}\n\n` };
    const outcome = await run("openai");
    expect(outcome.status).toBe("failed");
    expect(outcome.error).toContain("(boom)");
    expect(outcome.error).not.toContain("Type validation");
  });

  it("may give an item another id each time (GitHub Copilot)", async () => {
    const call = { type: "function_call", call_id: "call_1", name: "echo" };
    const body = [
      created,
      added(0, { type: "reasoning", id: "rs_a", encrypted_content: null, summary: [] }),
      data({
        type: "response.reasoning_summary_part.added",
        item_id: "rs_b",
        output_index: 0,
        summary_index: 1,
      }),
      data({
        type: "response.reasoning_summary_text.delta",
        item_id: "rs_c",
        output_index: 0,
        summary_index: 1,
        delta: "I look",
      }),
      ended(0, { type: "reasoning", id: "rs_d", encrypted_content: "sealed", summary: [] }),
      added(1, { ...call, id: "fc_a", arguments: "", status: "in_progress" }),
      data({
        type: "response.function_call_arguments.delta",
        item_id: "fc_b",
        output_index: 1,
        delta: '{"text":"x"}',
      }),
      ended(1, { ...call, id: "fc_c", arguments: '{"text":"x"}', status: "completed" }),
      added(2, { type: "message", id: "m_a" }),
      data({
        type: "response.output_text.delta",
        item_id: "m_b",
        output_index: 2,
        delta: "Wait.",
      }),
      ended(2, { type: "message", id: "m_c" }),
      completed,
    ].join("");
    server.enqueue({ body }, done("openai"));
    expect(await run("openai")).toMatchObject({ status: "succeeded", text: "Done." });
    const parts = partsOf(1).map((part) =>
      "text" in part ? [part.type, part.text] : [part.type, "input" in part ? part.input : ""],
    );
    expect(parts).toContainEqual(["reasoning", "I look"]);
    expect(parts).toContainEqual(["toolCall", { text: "x" }]);
    expect(parts).toContainEqual(["text", "Wait."]);
  });

  it("keep the thoughts that a server sends as they are (LM Studio)", async () => {
    const thought = { type: "reasoning", id: "rs_1", summary: [], content: [] };
    const body = [
      created,
      added(0, thought),
      ...["I ", "look."].map((delta) =>
        data({
          type: "response.reasoning_text.delta",
          item_id: "rs_1",
          output_index: 0,
          content_index: 0,
          delta,
        }),
      ),
      ended(0, thought),
      added(1, { type: "message", id: "m_1" }),
      data({
        type: "response.output_text.delta",
        item_id: "m_1",
        output_index: 1,
        delta: "It is 4.",
      }),
      ended(1, { type: "message", id: "m_1" }),
      completed,
    ].join("");
    server.enqueue({ body });
    expect(await run("openai")).toMatchObject({ status: "succeeded", text: "It is 4." });
    expect(partsOf(1)[0]).toMatchObject({ type: "reasoning", text: "I look." });
  });
});

describe.each(wireFormats)("what is no stream, to a provider of type $type", ({ type, path }) => {
  const page = "<!doctype html><html><head><title>Sign in</title></head><body>Hi</body></html>";
  it.each([
    [page, "text/html; charset=utf-8", 'a page of HTML ("Sign in")'],
    [page, "text/event-stream", 'a page of HTML ("Sign in")'],
    ['{"id":"1","choices":[{"message":{"content":"hi"}}]}', "application/json", "plain JSON"],
    ['{"ok":true}', "text/plain", "plain JSON"],
  ])("is named: %s as %s", async (body, contentType, came) => {
    server.usual = { body, headers: { "content-type": contentType } };
    const outcome = await run(type, path);
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderError" });
    expect(outcome.error).toContain(came);
    expect(outcome.error).toMatch(/127\.0\.0\.1.*baseUrl/);
  });

  it("is the provider's own error where it is one", async () => {
    const body = '{"error":{"message":"model-1 is asleep","code":503}}';
    server.usual = { body, headers: { "content-type": "application/json" } };
    const outcome = await run(type, path);
    expect(outcome).toMatchObject({ errorName: "ProviderOverloaded" });
    expect(outcome.error).toContain("model-1 is asleep");
  });
});
