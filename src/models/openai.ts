// OpenAI's own models, through the Responses API: it alone takes a model's reasoning back between
// tool calls. Nothing is stored at the provider (`store: false`), so the reasoning comes encrypted,
// is kept in the parts' `providerMetadata`, and goes back from there. A server that only speaks chat
// completions is an `openai-compatible` one.
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
    // Given even when unset: the package would look into the environment otherwise.
    baseURL: provider.baseUrl ?? baseUrl,
    apiKey: provider.apiKey ?? "",
    headers: provider.headers,
    fetch: providerFetch(responsesEvents),
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

/** What is asked of a model that can reason. */
export function reasoning(info: ModelInfo, options: LanguageModelV3CallOptions): JSONObject {
  const { reasoningEffort: effort, purpose } = readNote(options);
  if (!info.canReason) return {};
  // A title is not worth a long thought, and its few tokens would be spent before it is written.
  if (purpose === "title") return { reasoningEffort: "low" };
  // Asked for only with an effort: accounts that may not see summaries are refused otherwise.
  return effort === undefined ? {} : { reasoningEffort: effort, reasoningSummary: "auto" };
}
