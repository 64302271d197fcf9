// OpenAI's own models, through the Responses API. Only this API takes a model's reasoning back
// between tool calls. Nothing is stored at the provider (`store: false`), so the reasoning comes
// encrypted. It is kept in the parts' `providerMetadata` and sent back from there. A server that
// only speaks chat completions is an `openai-compatible` one.
import type { JSONObject, LanguageModelV3CallOptions } from "@ai-sdk/provider";
import type { Provider } from "../config/types.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { readNote } from "./callNote.js";
import type { AdaptedModel } from "./configuredModel.js";
import { providerFetch } from "./providerFetch.js";
import { responsesEvents } from "./responsesEvents.js";

const baseUrl = "https://api.openai.com/v1";

/** A model of OpenAI's. */
export async function openaiModel(provider: Provider, info: ModelInfo): Promise<AdaptedModel> {
  const { createOpenAI } = await import("@ai-sdk/openai");
  const openai = createOpenAI({
    // Always given, even if unset: otherwise the package would look into the environment.
    baseURL: provider.baseUrl ?? baseUrl,
    apiKey: provider.apiKey ?? "",
    headers: provider.headers,
    fetch: providerFetch(provider, { rules: responsesEvents }),
  });
  return {
    model: openai.responses(info.id),
    baseUrl,
    adapt: (options) => ({
      ...options,
      providerOptions: { openai: { store: false, ...reasoning(info, options) } },
    }),
  };
}

/** The options for a model that can reason. */
export function reasoning(info: ModelInfo, options: LanguageModelV3CallOptions): JSONObject {
  const { reasoningEffort: effort, purpose } = readNote(options);
  if (!info.canReason) return {};
  // A title needs no long thought, and a thought would use up its few tokens before it is written.
  if (purpose === "title") return { reasoningEffort: "low" };
  // Summaries are requested only together with an effort: accounts that may not see summaries would
  // be refused otherwise.
  return effort === undefined ? {} : { reasoningEffort: effort, reasoningSummary: "auto" };
}
