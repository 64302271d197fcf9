import { describe, expect, test } from "vitest";
import { catalogueOf } from "../../src/config/catalogue.js";
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

test("every vendor with a usual variable is in the catalogue; a compatible endpoint is not", () => {
  for (const type of usualKeyVariables.keys()) expect(catalogueOf(type)).toBeDefined();
  expect(catalogueOf("openai-compatible")).toBeUndefined();
});
