// Any server that speaks OpenAI's chat completions: local ones, and most hosted ones.

import type {
  LanguageModelV3CallOptions,
  LanguageModelV3Message,
  LanguageModelV3Prompt,
  LanguageModelV3ToolCallPart,
} from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import { fetchWithinOrigin } from "../base/fetchWithinOrigin.js";
import type { Provider } from "../config/types.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { readNote } from "./callNote.js";
import type { AdaptedModel } from "./configuredModel.js";

/** Where a local server usually listens; a configuration names its own. */
const baseUrl = "http://127.0.0.1:11434/v1";
/** The package reads options and writes metadata under its name; a fixed one outlives a renaming. */
const name = "openaiCompatible";

/** A model behind a `baseUrl`. */
export async function openaiCompatibleModel(
  provider: Provider,
  info: ModelInfo,
): Promise<AdaptedModel> {
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const compatible = createOpenAICompatible({
    name,
    baseURL: provider.baseUrl ?? baseUrl,
    headers: provider.headers,
    fetch: fetchWithinOrigin,
    includeUsage: true,
    ...defined({ apiKey: provider.apiKey }),
  });
  return { model: compatible.chatModel(info.id), baseUrl, adapt };
}

function adapt(options: LanguageModelV3CallOptions): LanguageModelV3CallOptions {
  const { reasoningEffort, turnStart } = readNote(options);
  return {
    ...options,
    prompt: adaptPrompt(options.prompt, turnStart ?? 0),
    providerOptions: { [name]: reasoningEffort === undefined ? {} : { reasoningEffort } },
  };
}

/**
 * Reasoning goes back within its turn alone: models that think between tool calls want it there, and
 * others refuse it in what went before.
 */
function adaptPrompt(prompt: LanguageModelV3Prompt, turnStart: number): LanguageModelV3Prompt {
  return prompt.map((message, index): LanguageModelV3Message => {
    if (message.role !== "assistant") return message;
    const content = message.content
      .filter((part) => part.type !== "reasoning" || index >= turnStart)
      .map((part) => (part.type === "tool-call" ? withSignature(part) : part));
    return { ...message, content };
  });
}

/** The package writes a Gemini signature under its own name, and reads it under Google's. */
function withSignature(part: LanguageModelV3ToolCallPart): LanguageModelV3ToolCallPart {
  const thoughtSignature = part.providerOptions?.[name]?.thoughtSignature;
  const { providerOptions: _, ...rest } = part;
  if (typeof thoughtSignature !== "string") return rest;
  return { ...rest, providerOptions: { google: { thoughtSignature } } };
}
