import type { LanguageModelV3 } from "@ai-sdk/provider";

/**
 * A model that makes its package's model anew for each call, with credentials that are valid then.
 * An error of `make` fails the call, not the creation of this model.
 */
export function lateModel(modelId: string, make: () => Promise<LanguageModelV3>): LanguageModelV3 {
  return {
    specificationVersion: "v3",
    provider: "late",
    modelId,
    // Attachments are sent with the request; the provider never fetches them.
    supportedUrls: {},
    doGenerate: async (options) => (await make()).doGenerate(options),
    doStream: async (options) => (await make()).doStream(options),
  };
}
