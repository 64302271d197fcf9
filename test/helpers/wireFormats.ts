// What each provider streams, event by event, for the same reply.
import { defined } from "../../src/base/defined.js";
import type { Provider, ProviderType } from "../../src/config/types.js";
import { awsEvent } from "./awsFrames.js";
import type { RawAnswer } from "./rawProvider.js";

/** What a model says in one reply. */
export interface Spoken {
  /** What it thinks first. */
  readonly thought?: string;
  /** The deltas of its text. */
  readonly text?: readonly string[];
  /** A tool call: the fragments of its input. */
  readonly call?: readonly string[];
  /** The tool that is called; `echo` unless told. */
  readonly toolName?: string;
  /** Why it ended; by itself unless told. */
  readonly end?: "length" | "filter";
}

/** One provider's language. */
export interface WireFormat {
  readonly type: Exclude<ProviderType, "offline">;
  /** Behind the origin. */
  readonly path: string;
  /** What a provider of this type has beside what all have. */
  readonly account?: Partial<Provider>;
  /** The encoding in which the events are bytes; UTF-8 unless told. */
  readonly encoding?: "latin1";
  /** The stream's events, as they go over the wire. */
  reply(spoken: Spoken): string[];
  /** The body of an error. */
  error(message: string): string;
}

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const named = (value: { type: string }) => `event: ${value.type}\n${data(value)}`;

const anthropic: WireFormat = {
  type: "anthropic",
  path: "/v1",
  reply({ thought, text = [], call, toolName: name = "echo", end }) {
    const usage = { input_tokens: 10, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
    const message = {
      id: "m",
      model: "x",
      role: "assistant",
      content: [],
      stop_reason: null,
      usage,
    };
    const block = (index: number, content_block: object, deltas: readonly object[]) => [
      { type: "content_block_start", index, content_block },
      ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
      { type: "content_block_stop", index },
    ];
    const spoken = text.map((one) => ({ type: "text_delta", text: one }));
    const asked = call?.map((one) => ({ type: "input_json_delta", partial_json: one }));
    const tool = { type: "tool_use", id: "call_1", name, input: {} };
    const natural = call === undefined ? "end_turn" : "tool_use";
    const reasons = { length: "max_tokens", filter: "refusal" };
    const stop_reason = end === undefined ? natural : reasons[end];
    return [
      { type: "message_start", message },
      ...(thought === undefined ? [] : thinking(thought)),
      ...(text.length > 0 ? block(0, { type: "text", text: "" }, spoken) : []),
      ...(asked === undefined ? [] : block(1, tool, asked)),
      { type: "message_delta", delta: { stop_reason }, usage: { output_tokens: 5 } },
      { type: "message_stop" },
    ].map(named);
  },
  error: (message) =>
    JSON.stringify({ type: "error", error: { type: "invalid_request_error", message } }),
};

/** As OpenAI sends what it keeps to itself. */
function encrypted(thought: string) {
  return { encrypted_content: Buffer.from(thought).toString("base64") };
}

/** The block of a thought, which is signed. */
function thinking(thought: string): ({ type: string } & Record<string, unknown>)[] {
  return [
    { type: "content_block_start", index: 9, content_block: { type: "thinking", thinking: "" } },
    ...[
      { type: "thinking_delta", thinking: thought },
      { type: "signature_delta", signature: "signed" },
    ].map((delta) => ({ type: "content_block_delta", index: 9, delta })),
    { type: "content_block_stop", index: 9 },
  ];
}

const openai: WireFormat = {
  type: "openai",
  path: "/v1",
  reply({ thought, text = [], call, toolName: name = "echo", end }) {
    const message = { type: "message", id: "msg_1" };
    const reasoning = { type: "reasoning", id: "rs_1", summary: [] };
    const input = call?.join("") ?? "";
    const tool = { type: "function_call", id: "fc_1", call_id: "call_1", name };
    const usage = { input_tokens: 10, output_tokens: 5 };
    const reasons = { length: "max_output_tokens", filter: "content_filter" };
    const item = (output_index: number, of: object, deltas: object[], done: object = of) => [
      { type: "response.output_item.added", output_index, item: of },
      ...deltas.map((delta) => ({ type: "", output_index, ...delta })),
      { type: "response.output_item.done", output_index, item: done },
    ];
    const spoken = text.map((delta) => ({
      type: "response.output_text.delta",
      item_id: "msg_1",
      delta,
    }));
    const asked = (call ?? []).map((delta) => ({
      type: "response.function_call_arguments.delta",
      item_id: "fc_1",
      delta,
    }));
    const begun = { ...tool, arguments: "", status: "in_progress" };
    const ended = { ...tool, arguments: input, status: "completed" };
    return [
      { type: "response.created", response: { id: "r", created_at: 0, model: "x" } },
      ...(thought === undefined
        ? []
        : item(9, reasoning, [], { ...reasoning, ...encrypted(thought) })),
      ...(text.length > 0 ? item(0, message, spoken) : []),
      ...(call === undefined ? [] : item(1, begun, asked, ended)),
      end === undefined
        ? { type: "response.completed", response: { usage } }
        : {
            type: "response.incomplete",
            response: { usage, incomplete_details: { reason: reasons[end] } },
          },
    ].map(named);
  },
  error: (message) => JSON.stringify({ error: { message, type: "server_error", code: null } }),
};

const google: WireFormat = {
  type: "google",
  path: "/v1beta",
  reply({ thought, text = [], call, toolName: name = "echo", end }) {
    const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 };
    const args = call === undefined ? undefined : JSON.parse(call.join(""));
    const parts: object[] = thought === undefined ? [] : [{ text: thought, thought: true }];
    parts.push(...text.map((one) => ({ text: one })));
    if (args !== undefined) parts.push({ functionCall: { name, args } });
    const reasons = { length: "MAX_TOKENS", filter: "SAFETY" };
    const finishReason = end === undefined ? "STOP" : reasons[end];
    return parts.map((part, index) => {
      const content = { role: "model", parts: [part] };
      const isLast = index === parts.length - 1;
      return data({
        candidates: [{ content, ...defined({ finishReason: isLast ? finishReason : undefined }) }],
        usageMetadata,
      });
    });
  },
  error: (message) => JSON.stringify({ error: { code: 400, message, status: "INVALID" } }),
};

const compatible: WireFormat = {
  type: "openai-compatible",
  path: "/v1",
  reply({ thought, text = [], call, toolName: name = "echo", end }) {
    const chunk = (delta: object, finish_reason: string | null = null) =>
      data({ id: "c", model: "x", choices: [{ index: 0, delta, finish_reason }] });
    const tool = { index: 0, id: "call_1", type: "function" };
    const begun = { ...tool, function: { name, arguments: "" } };
    const natural = call === undefined ? "stop" : "tool_calls";
    const reasons = { length: "length", filter: "content_filter" };
    const usage = { prompt_tokens: 10, completion_tokens: 5 };
    return [
      ...(thought === undefined ? [] : [chunk({ reasoning_content: thought })]),
      ...text.map((content) => chunk({ content })),
      ...(call === undefined ? [] : [chunk({ tool_calls: [begun] })]),
      ...(call ?? []).map((one) =>
        chunk({ tool_calls: [{ index: 0, function: { arguments: one } }] }),
      ),
      chunk({}, end === undefined ? natural : reasons[end]),
      data({ id: "c", model: "x", choices: [], usage }),
      "data: [DONE]\n\n",
    ];
  },
  error: (message) => JSON.stringify({ error: { message, type: "server_error", code: null } }),
};

const azure: WireFormat = { ...openai, type: "azure", path: "/openai/v1" };

const vertex: WireFormat = {
  ...google,
  type: "vertex",
  path: "/v1/projects/p/locations/global",
};

const bedrock: WireFormat = {
  type: "bedrock",
  path: "/bedrock",
  account: { aws: { region: "us-east-1" } },
  encoding: "latin1",
  reply({ thought, text = [], call, toolName: name = "echo", end }) {
    const delta = (contentBlockIndex: number, value: object) =>
      awsEvent("contentBlockDelta", { contentBlockIndex, delta: value, p: "abc" });
    const stop = (contentBlockIndex: number) => awsEvent("contentBlockStop", { contentBlockIndex });
    const toolUse = { toolUseId: "call_1", name };
    const natural = call === undefined ? "end_turn" : "tool_use";
    const reasons = { length: "max_tokens", filter: "content_filtered" };
    return [
      awsEvent("messageStart", { role: "assistant" }),
      ...(thought === undefined
        ? []
        : [
            delta(9, { reasoningContent: { text: thought } }),
            delta(9, { reasoningContent: { signature: "signed" } }),
            stop(9),
          ]),
      ...text.map((one) => delta(0, { text: one })),
      ...(text.length > 0 ? [stop(0)] : []),
      ...(call === undefined
        ? []
        : [
            awsEvent("contentBlockStart", { contentBlockIndex: 1, start: { toolUse } }),
            ...call.map((input) => delta(1, { toolUse: { input } })),
            stop(1),
          ]),
      awsEvent("messageStop", { stopReason: end === undefined ? natural : reasons[end] }),
      awsEvent("metadata", {
        usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
        metrics: { latencyMs: 1 },
      }),
    ].map((frame) => frame.toString("latin1"));
  },
  error: (message) => JSON.stringify({ message }),
};

/** Every format that a configuration can name. */
export const wireFormats: readonly WireFormat[] = [
  anthropic,
  openai,
  google,
  compatible,
  azure,
  bedrock,
  vertex,
];

/** A whole answer in a format. */
export function answerOf(format: WireFormat, spoken: Spoken): RawAnswer {
  const { encoding } = format;
  const body = format.reply(spoken).join("");
  if (encoding === undefined) return { body };
  return { body, encoding, headers: { "content-type": "application/vnd.amazon.eventstream" } };
}
