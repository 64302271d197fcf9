// A recorded answer of a provider, and what is in it: read here by itself, so that it can be held
// against what the product made of it.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { WireFormat } from "../../test/helpers/wireFormats.js";

/** One HTTP answer. */
export interface RecordedStep {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a provider answered, request after request. */
export interface Recording {
  readonly name: string;
  readonly type: Exclude<WireFormat["type"], "azure" | "bedrock" | "vertex">;
  readonly steps: readonly RecordedStep[];
}

/** What one answer says. */
export interface Said {
  text: string;
  reasoning: string;
  /** The names of the tools that it asks for, in order. */
  readonly calls: string[];
  finish: string;
  inputTokens: number;
  outputTokens: number;
  /** It ends with an error of the provider's. */
  isError: boolean;
  /** It is no answer at all: an event that is no JSON, or a second beginning. To be asked for anew. */
  isBroken: boolean;
  hasBegun: boolean;
}

type Event = Readonly<Record<string, unknown>>;

/** Reads a file of recordings, packed with gzip or not. */
export function readRecordings(path: string): Recording[] {
  const bytes = readFileSync(path);
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return JSON.parse((isPacked ? gunzipSync(bytes) : bytes).toString("utf8"));
}

/** What an answer says, by the rules of its format. */
export function saidIn(type: Recording["type"], body: string): Said {
  const said: Said = {
    text: "",
    reasoning: "",
    calls: [],
    finish: "",
    isError: false,
    inputTokens: 0,
    outputTokens: 0,
    isBroken: false,
    hasBegun: false,
  };
  try {
    for (const event of eventsOf(body)) readers[type](event, said);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    said.isBroken = true;
  }
  return said;
}

function* eventsOf(body: string): Generator<Event> {
  for (const line of body.split(/\r?\n/)) {
    if (!line.startsWith("data:")) continue;
    const data = line.slice("data:".length).trim();
    if (data === "" || data === "[DONE]") continue;
    yield JSON.parse(data);
  }
}

const readers: Readonly<Record<Recording["type"], (event: Event, said: Said) => void>> = {
  anthropic: readAnthropic,
  openai: readResponses,
  google: readGoogle,
  "openai-compatible": readChat,
};

function readAnthropic(event: Event, said: Said): void {
  const block = objectOf(event.content_block);
  const delta = objectOf(event.delta);
  const usage = objectOf(event.usage ?? objectOf(event.message).usage);
  if (event.type === "message_start") {
    said.isBroken ||= said.hasBegun;
    said.hasBegun = true;
    for (const one of listOf(objectOf(event.message).content)) {
      if (objectOf(one).type === "tool_use") said.calls.push(textOf(objectOf(one).name));
    }
  }
  if (event.type === "message_stop") said.hasBegun = false;
  if (delta.type === "compaction_delta") said.text += textOf(delta.content);
  if (block.type === "tool_use") said.calls.push(textOf(block.name));
  if (block.type === "text") said.text += textOf(block.text);
  if (delta.type === "text_delta") said.text += textOf(delta.text);
  if (delta.type === "thinking_delta") said.reasoning += textOf(delta.thinking);
  if (delta.stop_reason) said.finish = textOf(delta.stop_reason);
  said.inputTokens = numberOf(usage.input_tokens) ?? said.inputTokens;
  said.outputTokens = numberOf(usage.output_tokens) ?? said.outputTokens;
  if (event.type === "error") said.isError = true;
}

function readResponses(event: Event, said: Said): void {
  const item = objectOf(event.item);
  const response = objectOf(event.response);
  const usage = objectOf(response.usage);
  const kind = textOf(event.type);
  if (kind === "response.output_text.delta") said.text += textOf(event.delta);
  if (/reasoning(_summary)?(_text)?\.delta$/.test(kind)) said.reasoning += textOf(event.delta);
  if (kind === "response.output_item.done") said.calls.push(...callsOf(item));
  if (/^response\.(completed|incomplete|failed)$/.test(kind)) {
    said.finish = textOf(response.status) || kind.slice("response.".length);
  }
  said.inputTokens = numberOf(usage.input_tokens) ?? said.inputTokens;
  said.outputTokens = numberOf(usage.output_tokens) ?? said.outputTokens;
  if (kind === "error" || kind === "response.failed") said.isError = true;
}

/** What the client is asked to run; what ran at the provider says so by its `execution` or place. */
function callsOf(item: Event): string[] {
  if (item.type === "function_call") return [textOf(item.name)];
  const own = /^(local_shell|shell|apply_patch|tool_search)_call$/.exec(textOf(item.type))?.[1];
  return own === undefined || item.execution === "server" ? [] : [own];
}

function readGoogle(event: Event, said: Said): void {
  const candidate = objectOf(listOf(event.candidates)[0]);
  for (const one of listOf(objectOf(candidate.content).parts)) {
    const part = objectOf(one);
    if (part.thought === true) said.reasoning += textOf(part.text);
    else said.text += textOf(part.text);
    const name = objectOf(part.functionCall).name;
    if (typeof name === "string") said.calls.push(name);
  }
  const usage = objectOf(event.usageMetadata);
  said.finish = textOf(candidate.finishReason) || said.finish;
  said.inputTokens = numberOf(usage.promptTokenCount) ?? said.inputTokens;
  said.outputTokens = numberOf(usage.candidatesTokenCount) ?? said.outputTokens;
}

function readChat(event: Event, said: Said): void {
  const choice = objectOf(listOf(event.choices)[0]);
  const delta = objectOf(choice.delta);
  said.text += contentOf(delta.content, "text");
  said.reasoning +=
    textOf(delta.reasoning_content ?? delta.reasoning) + contentOf(delta.content, "thinking");
  for (const call of listOf(delta.tool_calls)) {
    const name = objectOf(objectOf(call).function).name;
    if (typeof name === "string" && name !== "") said.calls.push(name);
  }
  said.finish = textOf(choice.finish_reason) || said.finish;
  const usage = objectOf(event.usage ?? objectOf(event.x_groq).usage);
  said.inputTokens = numberOf(usage.prompt_tokens) ?? said.inputTokens;
  said.outputTokens = numberOf(usage.completion_tokens) ?? said.outputTokens;
  if (event.error) said.isError = true;
}

/** Some servers send content as a list, with thoughts in it. */
function contentOf(content: unknown, kind: "text" | "thinking"): string {
  if (typeof content === "string") return kind === "text" ? content : "";
  return listOf(content)
    .map(objectOf)
    .map((part) =>
      part.type !== kind
        ? ""
        : textOf(part.text) +
          listOf(part.thinking)
            .map((one) => textOf(objectOf(one).text))
            .join(""),
    )
    .join("");
}

function objectOf(value: unknown): Event {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
