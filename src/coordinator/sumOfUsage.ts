import { defined } from "../base/defined.js";
import type { Usage } from "../protocol/objects/run.js";

/** The sum of the usage of two calls. */
export function sumOfUsage(a: Usage, b: Usage): Usage {
  const both = (name: "cachedPromptTokens" | "cacheWriteTokens" | "reasoningTokens") =>
    a[name] === undefined && b[name] === undefined ? undefined : (a[name] ?? 0) + (b[name] ?? 0);
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    cost: a.cost + b.cost,
    ...defined({
      cachedPromptTokens: both("cachedPromptTokens"),
      cacheWriteTokens: both("cacheWriteTokens"),
      reasoningTokens: both("reasoningTokens"),
    }),
  };
}
