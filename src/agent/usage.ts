import type { LanguageModelV3Usage } from "@ai-sdk/provider";
import type { HistoryMessage } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import type { Usage } from "../protocol/objects/run.js";

/** From this share of its context window on, a conversation is summarised before it goes on. */
const nearlyFull = 0.85;
/** Of English text; of most else there are fewer. */
const charactersPerToken = 4;

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

/** Whether a call that holds so many tokens may leave too little room, or not fit. */
export function isNearlyFull(tokens: number, model: ModelInfo): boolean {
  return model.contextWindow !== undefined && tokens >= model.contextWindow * nearlyFull;
}

/**
 * About how many tokens a call with these messages holds, where no call has told yet. A guess that
 * is rather too low: without attachments and the tools' descriptions.
 */
export function estimatedTokens(systemPrompt: string, messages: readonly HistoryMessage[]): number {
  let characters = systemPrompt.length;
  for (const { parts } of messages) for (const part of parts) characters += charactersOf(part);
  return Math.ceil(characters / charactersPerToken);
}

function charactersOf(part: Part): number {
  switch (part.type) {
    case "text":
    case "reasoning":
      return part.text.length;
    case "toolCall":
      return part.name.length + (JSON.stringify(part.input)?.length ?? 0);
    case "toolResult":
      return part.output.length;
    case "attachment":
    case "finish":
      return 0;
  }
}

function count(tokens: number | undefined): number {
  return tokens !== undefined && Number.isFinite(tokens) ? Math.max(0, Math.round(tokens)) : 0;
}
