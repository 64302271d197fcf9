import { assertNever } from "../base/assertNever.js";
import { type Clock, systemClock } from "../base/clock.js";
import type { Provider } from "../config/types.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { type AdaptedModel, type ConfiguredModel, configuredModel } from "./configuredModel.js";

/**
 * A model that can be called. The provider's package is loaded when it is first needed. A missing
 * key is no error here, since some local servers need none. A later refusal says which key to set.
 *
 * @param clock what the offline model's `@wait` counts by.
 */
export async function createLanguageModel(
  provider: Provider,
  model: ModelInfo,
  clock: Clock = systemClock,
): Promise<ConfiguredModel> {
  return configuredModel(provider, await adaptedModel(provider, model, clock));
}

async function adaptedModel(
  provider: Provider,
  model: ModelInfo,
  clock: Clock,
): Promise<AdaptedModel> {
  switch (provider.type) {
    case "anthropic":
      return (await import("./anthropic.js")).anthropicModel(provider, model);
    case "openai":
      return (await import("./openai.js")).openaiModel(provider, model);
    case "openai-compatible":
      return (await import("./openaiCompatible.js")).openaiCompatibleModel(provider, model);
    case "google":
      return (await import("./google.js")).googleModel(provider, model);
    case "azure":
      return (await import("./azure.js")).azureModel(provider, model);
    case "bedrock":
      return (await import("./bedrock.js")).bedrockModel(provider, model);
    case "vertex":
      return (await import("./vertex.js")).vertexModel(provider, model);
    case "offline":
      return (await import("./offline/offlineModel.js")).offlineModel(model, clock);
    default:
      return assertNever(provider.type);
  }
}
