// The switches of a model: what its server refuses is not sent, and a refusal names the switch.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseConfigFile } from "../../src/config/parse.js";
import { resolveConfig } from "../../src/config/resolve.js";
import type { HistoryMessage } from "../../src/engine/engine.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { switchFor } from "../../src/models/switchAdvice.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";

let server: RawProvider;
beforeEach(async () => {
  server = await RawProvider.start();
});
afterEach(() => server.close());

const chat = wireFormats.find(({ type }) => type === "openai-compatible");
if (chat === undefined) throw new Error("there is no such format");

/** The provider of a configuration whose one model has these switches. */
function configured(switches: object, type = "openai-compatible", path = chat?.path ?? "") {
  const file = {
    providers: {
      acme: { type, baseUrl: `${server.origin}${path}`, models: [{ id: "model-1", ...switches }] },
    },
  };
  const user = parseConfigFile("config.json", JSON.stringify(file));
  const config = resolveConfig({ user, workspace: {}, trusted: false, env: {} });
  const provider = config.providers.get("acme");
  const [info] = provider?.models ?? [];
  if (provider === undefined || info === undefined) throw new Error("it is not there");
  return { provider, info };
}

const history: readonly HistoryMessage[] = [
  { id: "m1", role: "user", parts: [{ type: "text", text: "look" }] },
  {
    id: "m2",
    role: "assistant",
    provider: "acme",
    model: "model-1",
    parts: [
      {
        type: "toolCall",
        toolCallId: "c1",
        name: "echo",
        input: { text: "x" },
        state: "completed",
      },
    ],
  },
  {
    id: "m3",
    role: "tool",
    parts: [
      { type: "toolResult", toolCallId: "c1", name: "echo", output: "the result", isError: false },
    ],
  },
  {
    id: "m4",
    role: "assistant",
    provider: "acme",
    model: "model-1",
    parts: [{ type: "text", text: "I see." }],
  },
];

/** The body of the request that a turn sends. */
async function bodyWith(switches: object, chosen: object = {}) {
  const { provider, info } = configured(switches);
  if (chat !== undefined) server.usual = answerOf(chat, { text: ["Done."] });
  const model = await createLanguageModel(provider, info);
  const turn = new TestTurn();
  const tool = textTool("echo", async () => ({ output: "again" }));
  const input = turn.input(model, { history, tools: [tool] }, info);
  const selected = {
    ...input.model.selected,
    maxTokens: 100,
    temperature: 0.5,
    topP: 0.9,
    ...chosen,
  };
  const outcome = await turn.run(
    model,
    { history, tools: [tool], model: { ...input.model, selected } },
    info,
  );
  expect(outcome).toMatchObject({ status: "succeeded", text: "Done." });
  return JSON.parse(server.requests.at(-1)?.body ?? "{}");
}

describe("a switch of a model", () => {
  it("changes nothing where it is not set", async () => {
    const body = await bodyWith({}, { reasoningEffort: "high" });
    expect(body).toMatchObject({
      max_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      reasoning_effort: "high",
      stream_options: { include_usage: true },
    });
    expect(body.tools).toHaveLength(1);
    expect(body).not.toHaveProperty("parallel_tool_calls");
    const roles = body.messages.map(({ role }: { role: string }) => role);
    expect(roles).toEqual(["system", "user", "assistant", "tool", "assistant", "user"]);
    expect(body.messages[2].content).toBeNull();
  });

  it("tools: false sends no tools, and earlier calls as text", async () => {
    const body = await bodyWith({ tools: false });
    expect(body).not.toHaveProperty("tools");
    expect(body).not.toHaveProperty("tool_choice");
    expect(body.messages).toEqual([
      { role: "system", content: expect.stringContaining("has no tools") },
      { role: "user", content: "look" },
      { role: "assistant", content: '[called the tool echo with {"text":"x"}]' },
      { role: "user", content: "[result of the tool echo]\nthe result" },
      { role: "assistant", content: "I see." },
      { role: "user", content: "hello" },
    ]);
  });

  it.each([
    ["user", "user"],
    ["developer", "developer"],
    ["system", "system"],
  ])("systemRole: %s sends the instructions so", async (systemRole, role) => {
    const { messages } = await bodyWith({ systemRole });
    expect(messages[0].role).toBe(role);
    expect(messages[0].content).toContain("You are a test.");
    const rest = messages.slice(1).map((message: { role: string }) => message.role);
    // A template that takes no system role takes no two users in a row either.
    expect(rest).toEqual(
      role === "user"
        ? ["assistant", "tool", "assistant", "user"]
        : ["user", "assistant", "tool", "assistant", "user"],
    );
  });

  it("maxTokensField names the field", async () => {
    const body = await bodyWith({ maxTokensField: "max_completion_tokens" });
    expect(body.max_completion_tokens).toBe(100);
    expect(body).not.toHaveProperty("max_tokens");
  });

  it("streamUsage: false, sampling: false and reasoningEffort: false leave theirs out", async () => {
    const switches = { streamUsage: false, sampling: false, reasoningEffort: false };
    const body = await bodyWith(switches, { reasoningEffort: "high" });
    for (const name of ["stream_options", "temperature", "top_p", "reasoning_effort"]) {
      expect(body).not.toHaveProperty(name);
    }
  });

  it.each([true, false])("parallelToolCalls: %s is sent", async (parallelToolCalls) => {
    const body = await bodyWith({ parallelToolCalls });
    expect(body.parallel_tool_calls).toBe(parallelToolCalls);
    expect(await bodyWith({ parallelToolCalls, tools: false })).not.toHaveProperty(
      "parallel_tool_calls",
    );
  });

  it.each([
    ["null", null],
    ["text", ""],
    ["omit", undefined],
  ])("emptyContent: %s", async (emptyContent, content) => {
    const { messages } = await bodyWith({ emptyContent });
    expect(messages[2].tool_calls).toHaveLength(1);
    expect(messages[2].content).toBe(content);
    expect("content" in messages[2]).toBe(content !== undefined);
  });

  it("is no part of what a client is told of the model", () => {
    const { info } = configured({ tools: false, maxTokensField: "max_completion_tokens" });
    expect(info).toEqual({
      id: "model-1",
      name: "model-1",
      provider: "acme",
      canReason: false,
      supportsImages: false,
    });
  });

  it.each(wireFormats.map(({ type, path }) => [type, path] as const))(
    "of every type takes tools: false: %s",
    async (type, path) => {
      const format = wireFormats.find((one) => one.type === type);
      const { provider, info } = configured({ tools: false, sampling: false }, type, path);
      if (format !== undefined) server.usual = answerOf(format, { text: ["Done."] });
      const account = { apiKey: "key-0123456789", ...format?.account };
      const model = await createLanguageModel({ ...provider, ...account }, info);
      const turn = new TestTurn();
      const tools = [textTool("echo", async () => ({ output: "again" }))];
      const outcome = await turn.run(model, { history, tools }, info);
      expect(outcome).toMatchObject({ status: "succeeded", text: "Done." });
      const { body } = server.requests[0] ?? { body: "" };
      expect(body).toContain("result of the tool echo");
      expect(JSON.parse(body)).not.toHaveProperty("tools");
      expect(JSON.parse(body)).not.toHaveProperty("toolConfig");
    },
  );

  it("that a type has not is refused in its configuration", () => {
    for (const [name, value] of [
      ["systemRole", "user"],
      ["maxTokensField", "max_tokens"],
      ["streamUsage", false],
      ["parallelToolCalls", false],
      ["emptyContent", "omit"],
      ["reasoningHistory", "turn"],
    ] as const) {
      expect(() => configured({ [name]: value }, "anthropic")).toThrow(
        `providers.acme.models[0].${name}`,
      );
    }
  });
});

describe("a refusal", () => {
  const names = [
    "tools",
    "sampling",
    "reasoningEffort",
    "systemRole",
    "maxTokensField",
    "streamUsage",
    "parallelToolCalls",
    "emptyContent",
    "reasoningHistory",
  ];

  /** As servers say it. */
  const refusals: readonly (readonly [status: number, words: string, setting: string])[] = [
    [400, "registry.ollama.ai/library/gemma3:4b does not support tools", '"tools": false'],
    [
      400,
      '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
      '"tools": false',
    ],
    [500, "tools param requires --jinja flag", '"tools": false'],
    [404, 'No endpoints found that support tool use. Try disabling "read".', '"tools": false'],
    [400, "`tool calling` is not supported with this model", '"tools": false'],
    [400, "Function calling is not enabled for models/gemma-3-27b-it", '"tools": false'],
    [400, "This model doesn't support tool use.", '"tools": false'],
    [400, "Unsupported parameter: 'tools'", '"tools": false'],
    [500, "This model only supports single tool-calls at once!", '"parallelToolCalls": false'],
    [400, "Unknown parameter: 'parallel_tool_calls'.", '"parallelToolCalls": false'],
    [422, "body.stream_options: Extra inputs are not permitted", '"streamUsage": false'],
    [
      400,
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      '"maxTokensField": "max_completion_tokens"',
    ],
    [400, "Unknown field max_completion_tokens", '"maxTokensField": "max_tokens"'],
    [500, "System role not supported", '"systemRole": "user"'],
    [
      400,
      "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
      '"systemRole": "user"',
    ],
    [400, "Developer instruction is not enabled for models/gemma-3", '"systemRole": "user"'],
    [500, "Only user and assistant roles are supported!", '"systemRole": "user"'],
    [
      400,
      "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
      '"sampling": false',
    ],
    [
      400,
      "`temperature` and `top_p` cannot both be specified for this model.",
      '"sampling": false',
    ],
    [400, "Unrecognized request argument supplied: reasoning_effort", '"reasoningEffort": false'],
    [400, '"qwen2.5:7b" does not support thinking', '"reasoningEffort": false'],
    [400, "Invalid value for 'content': expected a string, got null.", '"emptyContent": "text"'],
    [
      400,
      "The reasoning_content field is not allowed in the input messages",
      '"reasoningHistory": "none"',
    ],
    [
      400,
      "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]",
      '"reasoningHistory": "none"',
    ],
    [422, "messages.2.content: none is not an allowed value", '"emptyContent": "text"'],
  ];

  it.each(refusals)("with %i %j names %s", (status, words, setting) => {
    expect(switchFor(status, words, { names, set: {} })).toBe(setting);
  });

  it.each(refusals)(
    "with %i %j names no switch that is set or that the type has not",
    (status, words, setting) => {
      const set = JSON.parse(`{${setting}}`);
      expect(switchFor(status, words, { names, set })).not.toBe(setting);
      expect(switchFor(status, words, { names: [], set: {} })).toBeUndefined();
      expect(switchFor(429, words, { names, set: {} })).toBeUndefined();
    },
  );

  it.each([
    [400, "The tool `read` has an invalid schema: missing type"],
    [400, "Invalid request"],
    [404, "The model `model-1` does not exist"],
    [500, "Internal server error"],
    [400, "messages: at least one message is required"],
    [400, "This model's maximum context length is 8192 tokens"],
  ])("with %i %j names none", (status, words) => {
    expect(switchFor(status, words, { names, set: {} })).toBeUndefined();
  });

  it("tells the person the switch and the model, once and without trying again", async () => {
    const { provider, info } = configured({});
    const error = { error: { message: "model-1 does not support tools" } };
    server.usual = { status: 400, body: JSON.stringify(error) };
    const outcome = await new TestTurn().runThroughPauses(
      await createLanguageModel(provider, info),
      {},
      info,
    );
    expect(outcome.error).toContain("(model-1 does not support tools)");
    expect(outcome.error).toContain(
      'set "tools": false for the model "model-1" in providers.acme.models',
    );
    expect(server.requests).toHaveLength(1);
  });
});
