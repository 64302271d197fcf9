// One request to a model as a span, and what it counts.
import type {
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
  LanguageModelV3ToolCall,
} from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import type { TracedWork } from "../base/telemetry.js";
import {
  bounded,
  boundedJson,
  inputMessages,
  outputMessage,
  systemInstructions,
} from "./contents.js";
import type { Attributes } from "./conventions.js";
import type { LiveSpan } from "./span.js";
import { modelOf, type OpenWork } from "./workSpan.js";

/** The finish reasons of the conventions, where they are not the AI SDK's. */
const finishReasons: Readonly<Record<string, string>> = {
  "content-filter": "content_filter",
  "tool-calls": "tool_call",
};
/** The longest name or id that a provider can give. */
const longestName = 256;
/** How much of a reply is told, in characters. */
const longestReply = 64 * 1024;

/** What a request needs to know. */
interface ChatOptions {
  readonly hasContents: boolean;
  /** Milliseconds since the epoch, with a fraction. */
  now(): number;
  /** The session that it is for, where it is known. */
  readonly sessionId?: string | undefined;
}

/** A request that is being answered. */
export class ChatWork implements OpenWork<"chat"> {
  readonly start: OpenWork<"chat">["start"];
  readonly #begun: TracedWork["chat"]["begun"];
  readonly #hasContents: boolean;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #parts: { type: string; content?: string }[] = [];
  #length = 0;
  #response: { id?: string; model?: string } = {};
  #firstAt: number | undefined;

  constructor(begun: TracedWork["chat"]["begun"], { hasContents, now, sessionId }: ChatOptions) {
    this.#begun = begun;
    this.#hasContents = hasContents;
    this.#now = now;
    this.#startedAt = now();
    const { provider, model } = modelOf(begun);
    const options = begun.options as LanguageModelV3CallOptions;
    this.start = {
      name: `chat ${model}`,
      kind: "client",
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.conversation.id": sessionId,
        "gen_ai.request.stream": true,
        "gen_ai.request.max_tokens": options.maxOutputTokens,
        "gen_ai.request.temperature": options.temperature,
        "gen_ai.request.top_p": options.topP,
        "turnwire.attempt": begun.attempt,
        "turnwire.purpose": begun.purpose,
        ...(hasContents && contentsOf(options)),
      },
    };
  }

  seen(given: object): void {
    const part = given as LanguageModelV3StreamPart;
    if (part.type === "response-metadata") this.#response = idsOf(part);
    else if (part.type === "text-delta") this.#said("text", part.delta);
    else if (part.type === "reasoning-delta") this.#said("reasoning", part.delta);
    else if (part.type === "tool-call") this.#called(part);
  }

  ended(ended: TracedWork["chat"]["ended"], span: LiveSpan): void {
    const { kind, finishReason = "error", usage, errorName, error } = ended;
    const finish = Object.hasOwn(finishReasons, finishReason)
      ? (finishReasons[finishReason] ?? finishReason)
      : finishReason;
    const firstAt = this.#firstAt;
    span.set({
      "gen_ai.response.finish_reasons": kind === "finished" ? [finish] : undefined,
      "gen_ai.response.id": this.#response.id,
      "gen_ai.response.model": this.#response.model,
      "gen_ai.response.time_to_first_chunk":
        firstAt === undefined ? undefined : (firstAt - this.#startedAt) / 1000,
      "gen_ai.usage.input_tokens": tokens(usage?.inputTokens.total),
      "gen_ai.usage.output_tokens": tokens(usage?.outputTokens.total),
      "gen_ai.usage.cache_read.input_tokens": tokens(usage?.inputTokens.cacheRead),
      "gen_ai.usage.cache_creation.input_tokens": tokens(usage?.inputTokens.cacheWrite),
      "gen_ai.usage.reasoning.output_tokens": tokens(usage?.outputTokens.reasoning),
      "gen_ai.output.messages": this.#hasContents ? outputMessage(this.#parts, finish) : undefined,
      "turnwire.cancelled": kind === "cancelled" ? true : undefined,
    });
    if (kind === "failed") span.fail(errorName ?? "_OTHER", error);
  }

  /** What the call is counted under. */
  counted({ errorName }: TracedWork["chat"]["ended"]): Attributes {
    const { provider, model } = modelOf(this.#begun);
    return {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": provider,
      "gen_ai.request.model": model,
      "gen_ai.response.model": this.#response.model,
      "error.type": errorName,
    };
  }

  get #hasRoom(): boolean {
    return this.#length < longestReply;
  }

  #said(type: "text" | "reasoning", delta: string): void {
    this.#firstAt ??= this.#now();
    if (!this.#hasContents || !this.#hasRoom) return;
    this.#length += delta.length;
    const last = this.#parts.at(-1);
    if (last?.type === type) last.content = `${last.content ?? ""}${bounded(delta)}`;
    else this.#parts.push({ type, content: bounded(delta) });
  }

  #called({ toolCallId, toolName, input }: LanguageModelV3ToolCall): void {
    this.#firstAt ??= this.#now();
    if (!this.#hasContents || !this.#hasRoom) return;
    const call = { type: "tool_call", id: toolCallId, name: toolName, arguments: bounded(input) };
    this.#length += call.arguments.length;
    this.#parts.push(call);
  }
}

function contentsOf(options: LanguageModelV3CallOptions): Attributes {
  const tools = options.tools?.map((tool) => ({ type: tool.type, name: tool.name }));
  return {
    "gen_ai.system_instructions": systemInstructions(options.prompt),
    "gen_ai.input.messages": inputMessages(options.prompt),
    "gen_ai.tool.definitions": tools === undefined ? undefined : boundedJson(tools),
  };
}

function idsOf({ id, modelId }: { id?: string; modelId?: string }) {
  return defined({ id: id?.slice(0, longestName), model: modelId?.slice(0, longestName) });
}

/** A count as the conventions want it: a whole number; undefined if a provider says none. */
export function tokens(count: number | undefined): number | undefined {
  return count !== undefined && Number.isFinite(count) && count >= 0
    ? Math.round(count)
    : undefined;
}
