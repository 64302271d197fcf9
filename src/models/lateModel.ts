import type { LanguageModelV3 } from "@ai-sdk/provider";

/**
 * A model whose package's model is made anew for each call, with credentials that are good by then.
 * What `make` throws fails the call, not the making of the model.
 */
export function lateModel(modelId: string, make: () => Promise<LanguageModelV3>): LanguageModelV3 {
  return {
    specificationVersion: "v3",
    provider: "late",
    modelId,
    // What is attached is sent along, never fetched by a provider.
    supportedUrls: {},
    doGenerate: async (options) => (await make()).doGenerate(options),
    doStream: async (options) => (await make()).doStream(options),
  };
}
