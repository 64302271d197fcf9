import type { LanguageModelV3Usage } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { usageOf } from "../../src/agent/usage.js";
import { sumOfUsage } from "../../src/coordinator/sumOfUsage.js";
import { fakeInfo } from "../helpers/agentTurn.js";

const priced = {
  ...fakeInfo,
  costPerMillionInput: 10,
  costPerMillionOutput: 100,
  costPerMillionCachedInput: 1,
  costPerMillionCacheWrite: 12.5,
  costPerMillionReasoning: 50,
};

const million = 1_000_000;

function reported(
  input: object,
  output: object,
  raw: NonNullable<LanguageModelV3Usage["raw"]> = {},
) {
  const none = { total: 0, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
  return {
    inputTokens: { ...none, ...input },
    outputTokens: { total: 0, text: undefined, reasoning: undefined, ...output },
    raw,
  };
}

describe("the cost of a call", () => {
  it("counts what a cache gave and took, and what was thought, at prices of their own", () => {
    const input = { total: 4 * million, cacheRead: 2 * million, cacheWrite: million };
    const output = { total: 3 * million, reasoning: million };
    expect(usageOf(reported(input, output), priced)).toEqual({
      promptTokens: 4 * million,
      completionTokens: 3 * million,
      cachedPromptTokens: 2 * million,
      cacheWriteTokens: million,
      reasoningTokens: million,
      cost: 10 + 2 + 12.5 + 200 + 50,
    });
  });

  it("counts them as any other token where they have no price", () => {
    const input = { total: 3 * million, cacheRead: million, cacheWrite: million };
    const output = { total: 2 * million, reasoning: million };
    const { costPerMillionInput, costPerMillionOutput } = priced;
    const plain = { ...fakeInfo, costPerMillionInput, costPerMillionOutput };
    expect(usageOf(reported(input, output), plain).cost).toBe(30 + 200);
    expect(usageOf(reported(input, output), fakeInfo).cost).toBe(0);
  });

  it("takes a price of 0 for a price", () => {
    const free = { ...priced, costPerMillionCachedInput: 0 };
    const input = { total: million, cacheRead: million };
    expect(usageOf(reported(input, {}), free).cost).toBe(0);
  });

  it("is never less than nothing, whatever parts a provider tells", () => {
    const input = { total: million, cacheRead: 5 * million, cacheWrite: 7 * million };
    const odd = { total: million, reasoning: Number.NaN };
    expect(usageOf(reported(input, odd), priced)).toEqual({
      promptTokens: million,
      completionTokens: million,
      cachedPromptTokens: million,
      cost: 1 + 100,
    });
    const negative = { total: million, cacheRead: -3, cacheWrite: Number.POSITIVE_INFINITY };
    expect(usageOf(reported(negative, {}), priced)).toEqual({
      promptTokens: million,
      completionTokens: 0,
      cost: 10,
    });
  });

  it.each([
    [{ cost: 0.25 }, 0.25],
    [{ cost: 0 }, 0],
    [{ cost: 0.01, is_byok: true, cost_details: { upstream_inference_cost: 0.4 } }, 0.41],
    [{ cost: 0.01, is_byok: true, cost_details: null }, 0.01],
    [{ cost: 0.3, is_byok: false, cost_details: { upstream_inference_cost: 0.4 } }, 0.3],
    [{ cost: -1 }, 10],
    [{ cost: "much" }, 10],
    [{}, 10],
  ])("is what the provider says where it says %j", (raw, cost) => {
    expect(usageOf(reported({ total: million }, {}, raw), priced).cost).toBeCloseTo(cost, 10);
  });
});

it("what calls used adds up, and what none of them told stays untold", () => {
  const one = { promptTokens: 1, completionTokens: 2, cost: 0.5 };
  expect(sumOfUsage(one, one)).toEqual({ promptTokens: 2, completionTokens: 4, cost: 1 });
  expect(sumOfUsage(one, { ...one, cachedPromptTokens: 3, reasoningTokens: 1 })).toEqual({
    promptTokens: 2,
    completionTokens: 4,
    cost: 1,
    cachedPromptTokens: 3,
    reasoningTokens: 1,
  });
});
