import { describe, expect, test } from "vitest";
import { catalogueOf, knownModel } from "../../src/config/catalogue.js";
import { figures, figuresSource } from "../../src/config/catalogueFigures.js";
import { usualKeyVariables } from "../../src/config/defaults.js";
import { ModelInfo } from "../../src/protocol/objects/model.js";

describe.each(["anthropic", "openai", "google", "offline"] as const)(
  "the catalogue of %s",
  (type) => {
    const entry = catalogueOf(type);
    const models = entry?.models ?? [];

    test("lists its default models, and every model once", () => {
      const ids = models.map(({ id }) => id);
      expect(ids).toContain(entry?.defaultLargeModel);
      expect(ids).toContain(entry?.defaultSmallModel);
      expect(new Set(ids).size).toBe(ids.length);
    });

    test.each(models.map((model) => [model.id, model] as const))("%s is sound", (_id, model) => {
      expect(ModelInfo().safeParse({ ...model, provider: type }).success).toBe(true);
      expect(model.defaultMaxTokens ?? 0).toBeLessThan((model.contextWindow ?? 0) / 2);
      expect(model.costPerMillionInput === undefined).toBe(
        model.costPerMillionOutput === undefined,
      );
      expect(model.costPerMillionOutput ?? 0).toBeGreaterThanOrEqual(
        model.costPerMillionInput ?? 0,
      );
    });
  },
);

test("every model that is listed has figures, and prices of its cache below its ordinary ones", () => {
  expect(figuresSource).toMatch(/^\S+ \d+\.\d+\.\d+, \d{4}-\d{2}-\d{2}$/);
  const counts = { anthropic: 9, openai: 10, google: 6 } as const;
  for (const [type, count] of Object.entries(counts)) {
    const models = catalogueOf(type as keyof typeof counts)?.models ?? [];
    // A model that is listed and has no figures would be left out.
    expect(models).toHaveLength(count);
    for (const { costPerMillionInput = 0, costPerMillionCachedInput = 0, ...rest } of models) {
      expect(costPerMillionInput).toBeGreaterThan(0);
      expect(costPerMillionCachedInput).toBeGreaterThan(0);
      expect(costPerMillionCachedInput).toBeLessThan(costPerMillionInput);
      const written = rest.costPerMillionCacheWrite ?? costPerMillionInput;
      expect(written).toBeGreaterThanOrEqual(costPerMillionInput);
      expect(written).toBeLessThanOrEqual(2 * costPerMillionInput);
    }
  }
});

test.each(figures.trim().split("\n"))("the figures are sound: %s", (line) => {
  const [type, id = "", window, reply, ...rest] = line.split("|");
  expect(["anthropic", "openai", "google"]).toContain(type);
  expect(Number(window)).toBeGreaterThanOrEqual(8_000);
  expect(Number(reply)).toBeGreaterThan(0);
  expect(Number(reply)).toBeLessThanOrEqual(Number(window));
  expect(rest).toHaveLength(6);
  for (const price of rest.slice(0, 4)) {
    if (price !== "-") expect(Number(price)).toBeGreaterThanOrEqual(0);
  }
  const model = knownModel(type as "anthropic", id);
  expect(ModelInfo().safeParse({ ...model, provider: "acme" }).success).toBe(true);
});

test("of a model that is not listed, and of one in a cloud, what is known counts", () => {
  expect(knownModel("anthropic", "claude-opus-4-8")).toMatchObject({ contextWindow: 1_000_000 });
  const served = knownModel("bedrock", "eu.anthropic.claude-haiku-4-5-20251001-v1:0");
  expect(served).toMatchObject({ contextWindow: 200_000, canReason: true });
  // The price is the cloud's own, of its cache too.
  expect(Object.keys(served ?? {}).filter((name) => name.startsWith("cost"))).toEqual([]);
});

test("every vendor with a usual variable is in the catalogue; a compatible endpoint is not", () => {
  for (const type of usualKeyVariables.keys()) expect(catalogueOf(type)).toBeDefined();
  expect(catalogueOf("openai-compatible")).toBeUndefined();
});
