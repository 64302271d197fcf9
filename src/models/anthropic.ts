// Anthropic's messages API. Signed thinking goes back unchanged: it is kept in the parts'
// `providerMetadata`, where the package reads it.
import type {
  JSONObject,
  LanguageModelV3CallOptions,
  LanguageModelV3Message,
  LanguageModelV3Prompt,
  SharedV3ProviderOptions,
} from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import type { Provider } from "../config/types.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { readNote } from "./callNote.js";
import type { AdaptedModel } from "./configuredModel.js";
import { providerFetch } from "./providerFetch.js";

const baseUrl = "https://api.anthropic.com/v1";

/** A model of Anthropic's, or of a server that speaks like it. */
export async function anthropicModel(provider: Provider, info: ModelInfo): Promise<AdaptedModel> {
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  const anthropic = createAnthropic({
    // Always given, even if unset: otherwise the package would look into the environment.
    baseURL: provider.baseUrl ?? baseUrl,
    apiKey: provider.apiKey ?? "",
    headers: provider.headers,
    fetch: providerFetch(provider),
  });
  return {
    model: anthropic(info.id),
    baseUrl,
    adapt: (options) => adaptForClaude(info, options),
  };
}

/** A call in the form that Anthropic's package needs, for every place where such a model runs. */
export function adaptForClaude(
  info: ModelInfo,
  options: LanguageModelV3CallOptions,
): LanguageModelV3CallOptions {
  return {
    ...options,
    prompt: markForCaching(withoutTrailingBlanks(options.prompt)),
    ...defined({ tools: options.tools && markLast(options.tools) }),
    providerOptions: { anthropic: thinking(info, options) },
  };
}

/** The API refuses blanks at the end of a model's text. */
export function withoutTrailingBlanks(prompt: LanguageModelV3Prompt): LanguageModelV3Prompt {
  return prompt.map((message): LanguageModelV3Message => {
    const last = message.role === "assistant" ? message.content.at(-1) : undefined;
    if (message.role !== "assistant" || last?.type !== "text") return message;
    const content = [...message.content.slice(0, -1), { ...last, text: last.text.trimEnd() }];
    return { ...message, content };
  });
}

const anthropicMark: SharedV3ProviderOptions = {
  anthropic: { cacheControl: { type: "ephemeral" } },
};

/**
 * Marks up to where the provider may cache the prompt: after the tools (see {@link markLast}),
 * after the system prompt, at the end of the previous call's prompt, and at the end of this one,
 * for the next call. (The API takes at most four marks.)
 */
export function markForCaching(
  prompt: LanguageModelV3Prompt,
  mark: SharedV3ProviderOptions = anthropicMark,
): LanguageModelV3Prompt {
  const lastReply = prompt.findLastIndex((message) => message.role === "assistant");
  const marked = new Set([prompt.length - 1, lastReply - 1]);
  if (prompt[0]?.role === "system") marked.add(0);
  return prompt.map((message, index) =>
    marked.has(index)
      ? { ...message, providerOptions: { ...message.providerOptions, ...mark } }
      : message,
  );
}

type Tools = NonNullable<LanguageModelV3CallOptions["tools"]>;

/** Marks the end of the tools, which the provider reads first of all. */
function markLast(tools: Tools): Tools {
  return tools.map((tool, index) => {
    if (index !== tools.length - 1 || tool.type !== "function") return tool;
    const anthropic = { ...tool.providerOptions?.anthropic, cacheControl: { type: "ephemeral" } };
    return { ...tool, providerOptions: { ...tool.providerOptions, anthropic } };
  });
}

const efforts = ["low", "medium", "high", "xhigh", "max"];
/** The models whose thinking is limited in tokens; later models take an effort. */
const budgeted = /claude-(3|instant|(opus|sonnet|haiku)-4(-[0-5]\b|-\d{8}|$))/;
const budgets: Readonly<Record<string, number>> = { low: 4096, medium: 10_000, high: 24_000 };

/** The request's options for how much the model should think. */
export function thinking(info: ModelInfo, options: LanguageModelV3CallOptions): JSONObject {
  const { reasoningEffort: effort } = readNote(options);
  if (effort === undefined || !info.canReason) return {};
  if (effort === "none") return { thinking: { type: "disabled" } };
  if (budgeted.test(info.id)) {
    const budgetTokens = budgets[effort] ?? budgets.high ?? 0;
    return { thinking: { type: "enabled", budgetTokens } };
  }
  // Asks for summaries of thoughts; without them, a long thought would be a long silence.
  const shown = { thinking: { type: "adaptive", display: "summarized" } };
  return efforts.includes(effort) ? { ...shown, effort } : shown;
}
