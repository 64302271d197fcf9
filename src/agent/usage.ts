import type { LanguageModelV3Usage } from "@ai-sdk/provider";
import type { ModelInfo } from "../protocol/objects/model.js";
import type { Usage } from "../protocol/objects/run.js";

/**
 * What a model call used. The cost is the provider's own where it names one, else it follows from
 * the configured prices; every input token counts in full, so that is an upper bound where the
 * provider read some from its cache.
 */
export function usageOf(reported: LanguageModelV3Usage, model: ModelInfo): Usage {
  const promptTokens = count(reported.inputTokens.total);
  const completionTokens = count(reported.outputTokens.total);
  const billed = reported.raw?.cost;
  const cost =
    typeof billed === "number" && billed >= 0
      ? billed
      : (promptTokens * (model.costPerMillionInput ?? 0) +
          completionTokens * (model.costPerMillionOutput ?? 0)) /
        1_000_000;
  return { promptTokens, completionTokens, cost };
}

function count(tokens: number | undefined): number {
  return tokens !== undefined && Number.isFinite(tokens) ? Math.max(0, Math.round(tokens)) : 0;
}
