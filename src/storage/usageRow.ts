import { defined } from "../base/defined.js";
import type { Row } from "./database.js";

/** Tokens and money that a run used. What is absent is none. */
export interface UsageRow {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars. */
  readonly cost: number;
  readonly cachedPromptTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/** What the columns of a run say of its usage. */
export function toUsage(row: Row): UsageRow {
  return {
    promptTokens: Number(row.promptTokens),
    completionTokens: Number(row.completionTokens),
    cost: Number(row.cost),
    ...defined({
      cachedPromptTokens: Number(row.cachedPromptTokens) || undefined,
      cacheWriteTokens: Number(row.cacheWriteTokens) || undefined,
      reasoningTokens: Number(row.reasoningTokens) || undefined,
    }),
  };
}
