// Google's Gemini API. Thought signatures are kept in the parts' `providerMetadata`, and the package
// reads them again from there.
import type { JSONObject, LanguageModelV3CallOptions } from "@ai-sdk/provider";
import type { Provider } from "../config/types.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { readNote } from "./callNote.js";
import type { AdaptedModel } from "./configuredModel.js";
import { providerFetch } from "./providerFetch.js";

const baseUrl = "https://generativelanguage.googleapis.com/v1beta";

/** A model of Google's. */
export async function googleModel(provider: Provider, info: ModelInfo): Promise<AdaptedModel> {
  const { createGoogleGenerativeAI } = await import("@ai-sdk/google");
  const google = createGoogleGenerativeAI({
    baseURL: provider.baseUrl ?? baseUrl,
    // Always given, even if unset: otherwise the package would look into the environment.
    apiKey: provider.apiKey ?? "",
    headers: provider.headers,
    fetch: providerFetch(provider),
  });
  return {
    model: google(info.id),
    baseUrl,
    adapt: (options) => ({
      ...options,
      providerOptions: { google: thinking(info, options) },
    }),
  };
}

/** The models whose thinking is limited in tokens; later models take a level. */
const budgeted = /gemini-2\b/;
const budgets: Readonly<Record<string, number>> = {
  none: 128,
  minimal: 512,
  low: 2048,
  medium: 8192,
  high: 24_576,
};
const levels: Readonly<Record<string, string>> = {
  none: "minimal",
  minimal: "minimal",
  low: "low",
  medium: "medium",
};

/** The request's options for how much the model should think. */
export function thinking(info: ModelInfo, options: LanguageModelV3CallOptions): JSONObject {
  const { reasoningEffort: effort } = readNote(options);
  if (effort === undefined || !info.canReason) return {};
  const thinkingConfig = budgeted.test(info.id)
    ? { thinkingBudget: budgets[effort] ?? 24_576, includeThoughts: true }
    : { thinkingLevel: levels[effort] ?? "high", includeThoughts: true };
  return { thinkingConfig };
}
