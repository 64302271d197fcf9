import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3FinishReason,
  LanguageModelV3StreamPart,
} from "@ai-sdk/provider";

type Parts = Iterable<LanguageModelV3StreamPart> | AsyncIterable<LanguageModelV3StreamPart>;

/** What one call of a {@link FakeModel} answers: its parts, or what it throws. */
export type FakeReply = Parts | Error | ((options: LanguageModelV3CallOptions) => Parts | Error);

/** A model that plays one prepared reply a call, and keeps what it was asked. */
export class FakeModel implements LanguageModelV3 {
  readonly specificationVersion = "v3";
  readonly provider = "fake";
  readonly modelId = "fake-1";
  readonly supportedUrls = {};
  readonly calls: LanguageModelV3CallOptions[] = [];
  readonly #replies: FakeReply[];

  constructor(...replies: FakeReply[]) {
    this.#replies = replies;
  }

  async doGenerate(): Promise<never> {
    throw new Error("the agent streams");
  }

  async doStream(options: LanguageModelV3CallOptions) {
    this.calls.push(options);
    const next = this.#replies.shift() ?? new Error("the fake model has no reply left");
    const reply = typeof next === "function" ? next(options) : next;
    if (reply instanceof Error) throw reply;
    return { stream: ReadableStream.from<LanguageModelV3StreamPart>(reply) };
  }
}

const finishReasons = ["stop", "length", "content-filter", "tool-calls", "error", "other"] as const;

/** The last part of a reply. */
export function finish(
  unified: (typeof finishReasons)[number] = "stop",
  tokens: { readonly input?: number; readonly output?: number } = {},
): LanguageModelV3StreamPart {
  const finishReason: LanguageModelV3FinishReason = { unified, raw: unified };
  const { input = 10, output = 5 } = tokens;
  return {
    type: "finish",
    finishReason,
    usage: {
      inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: output, text: output, reasoning: 0 },
    },
  };
}

/** The parts of a block of text. */
export function text(...deltas: string[]): LanguageModelV3StreamPart[] {
  return [
    { type: "text-start", id: "t" },
    ...deltas.map((delta) => ({ type: "text-delta" as const, id: "t", delta })),
    { type: "text-end", id: "t" },
  ];
}

/** The parts of a tool call; `input` as text goes out as it is. */
export function toolCall(
  id: string,
  toolName: string,
  input: unknown,
): LanguageModelV3StreamPart[] {
  const json = typeof input === "string" ? input : JSON.stringify(input);
  return [
    { type: "tool-input-start", id, toolName },
    { type: "tool-input-delta", id, delta: json.slice(0, 3) },
    { type: "tool-input-delta", id, delta: json.slice(3) },
    { type: "tool-input-end", id },
    { type: "tool-call", toolCallId: id, toolName, input: json },
  ];
}

/** A whole reply of text. */
export function says(...deltas: string[]): LanguageModelV3StreamPart[] {
  return [{ type: "stream-start", warnings: [] }, ...text(...deltas), finish()];
}

/** A whole reply that calls one tool. */
export function calls(id: string, toolName: string, input: unknown): LanguageModelV3StreamPart[] {
  return [
    { type: "stream-start", warnings: [] },
    ...toolCall(id, toolName, input),
    finish("tool-calls"),
  ];
}
