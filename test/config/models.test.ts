import { describe, expect, test } from "vitest";
import { DomainError } from "../../src/base/errors.js";
import { defaultSmallModel, findModel, listModels } from "../../src/config/models.js";
import { resolveConfig } from "../../src/config/resolve.js";

const baseUrl = "http://127.0.0.1:1/v1";
const many = Array.from({ length: 14 }, (_, index) => ({ id: `m${index}` }));
const config = resolveConfig({
  user: {
    providers: {
      a: { type: "openai-compatible", baseUrl, models: [{ id: "x" }, { id: "y" }] },
      b: { type: "anthropic" },
      none: { type: "openai-compatible", baseUrl },
      many: { type: "openai-compatible", baseUrl, models: many },
    },
  },
  workspace: {},
  trusted: false,
  env: {},
});

function failureOf(provider: string, model: string): DomainError {
  try {
    findModel(config, { provider, model });
  } catch (error) {
    if (error instanceof DomainError) return error;
  }
  throw new Error("the model was found");
}

describe("findModel", () => {
  test("gives the provider and what is known of the model", () => {
    const { provider, model } = findModel(config, { provider: "a", model: "y", topP: 1 });
    expect(provider.baseUrl).toBe(baseUrl);
    expect(model).toMatchObject({ id: "y", provider: "a" });
  });

  test("finds the embedded model beside others", () => {
    const { model } = findModel(config, { provider: "offline", model: "offline" });
    expect(model).toMatchObject({ provider: "offline", costPerMillionInput: 0 });
  });

  test.each([
    [
      "a",
      "z",
      "a/z is not configured: a has x, y; choose another model, or add z to providers.a.models",
    ],
    ["none", "z", "none has no models"],
    ["many", "z", "m9 and 4 more; choose"],
    [
      "c",
      "x",
      "there is no provider c (there is a, b, none, many, offline); choose another model, or add providers.c",
    ],
  ])("says of %s/%s what there is and what to do", (provider, model, text) => {
    const error = failureOf(provider, model);
    expect(error.name).toBe("ModelNotConfigured");
    expect(error.message).toContain(text);
    expect(error.data).toEqual({ provider, model });
  });
});

describe("defaultSmallModel", () => {
  test.each([
    ["b", { provider: "b", model: "claude-haiku-5-5" }],
    ["a", { provider: "a", model: "x" }],
    ["none", { provider: "a", model: "x" }],
    ["unknown", { provider: "a", model: "x" }],
    ["offline", { provider: "offline", model: "offline" }],
  ])("of %s is %j", (id, expected) => {
    expect(defaultSmallModel(config, id)).toEqual(expected);
  });
});

test("listModels lists every provider's, in the order of the configuration", () => {
  const providers = listModels(config).map(({ provider }) => provider);
  expect([...new Set(providers)]).toEqual(["a", "b", "many", "offline"]);
});
