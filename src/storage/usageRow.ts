import { defined } from "../base/defined.js";
import { readOr, storedAmount } from "./damage.js";
import type { Database, Row } from "./database.js";

/** The tokens and the money that a run used. An absent member means none. */
export interface UsageRow {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars. */
  readonly cost: number;
  readonly cachedPromptTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/** The usage in the columns of a run. */
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

/** How many model calls were answered for the run at a position; 0 where that cannot be read. */
export function answeredCalls(database: Database, position: number): number {
  const select = database.prepare("SELECT modelCalls FROM runs WHERE position = ?");
  return readOr(
    () => storedAmount(select.get(position)?.modelCalls),
    () => 0,
  );
}
