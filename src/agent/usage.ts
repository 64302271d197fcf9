import type { LanguageModelV3Usage } from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import type { Usage } from "../protocol/objects/run.js";

/**
 * The usage of a model call. The cost, in US dollars, is the provider's own figure if it names one;
 * else it is calculated from the model's prices. Tokens that were read from the provider's cache,
 * written to it, or used for thoughts can have their own prices. Without one, they cost as much as
 * other tokens of their kind.
 */
export function usageOf(reported: LanguageModelV3Usage, model: ModelInfo): Usage {
  const promptTokens = count(reported.inputTokens.total);
  const completionTokens = count(reported.outputTokens.total);
  // A part is never more than the whole, even if a provider says so.
  const cachedPromptTokens = Math.min(count(reported.inputTokens.cacheRead), promptTokens);
  const cacheWriteTokens = Math.min(
    count(reported.inputTokens.cacheWrite),
    promptTokens - cachedPromptTokens,
  );
  const reasoningTokens = Math.min(count(reported.outputTokens.reasoning), completionTokens);
  const usage = {
    promptTokens,
    completionTokens,
    ...defined({
      cachedPromptTokens: cachedPromptTokens || undefined,
      cacheWriteTokens: cacheWriteTokens || undefined,
      reasoningTokens: reasoningTokens || undefined,
    }),
  };
  return { ...usage, cost: billedCost(reported.raw) ?? pricedCost(usage, model) };
}

/**
 * The provider's own figure, which OpenRouter and others send. If the calls go to the user's own
 * account at another vendor (`is_byok`), `cost` is only the fee, and the bill of that account is
 * added.
 */
function billedCost(raw: LanguageModelV3Usage["raw"]): number | undefined {
  const cost = amount(raw?.cost);
  if (cost === undefined || raw?.is_byok !== true) return cost;
  const details = raw.cost_details;
  const isObject = typeof details === "object" && details !== null && !Array.isArray(details);
  return cost + ((isObject ? amount(details.upstream_inference_cost) : undefined) ?? 0);
}

function pricedCost(usage: Omit<Usage, "cost">, model: ModelInfo): number {
  const { cachedPromptTokens = 0, cacheWriteTokens = 0, reasoningTokens = 0 } = usage;
  const { costPerMillionInput: input = 0, costPerMillionOutput: output = 0 } = model;
  const priced =
    (usage.promptTokens - cachedPromptTokens - cacheWriteTokens) * input +
    cachedPromptTokens * (model.costPerMillionCachedInput ?? input) +
    cacheWriteTokens * (model.costPerMillionCacheWrite ?? input) +
    (usage.completionTokens - reasoningTokens) * output +
    reasoningTokens * (model.costPerMillionReasoning ?? output);
  return priced / 1_000_000;
}

function amount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function count(tokens: number | undefined): number {
  return tokens !== undefined && Number.isFinite(tokens) ? Math.max(0, Math.round(tokens)) : 0;
}
