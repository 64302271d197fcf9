import type { LanguageModelV3, LanguageModelV3CallOptions } from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import { secretsOf } from "../base/redact.js";
import type { Provider } from "../config/types.js";
import { acrossModels } from "./acrossModels.js";
import { readNote } from "./callNote.js";
import { explainError } from "./explainError.js";
import type { ModelFailure } from "./modelFailure.js";
import type { ModelIdentity } from "./modelIdentity.js";
import { applySwitches } from "./modelSwitches.js";

/** A model that can explain why it failed, in terms of its configuration. */
export interface ConfiguredModel extends LanguageModelV3 {
  readonly identity: ModelIdentity;
  /** @param now milliseconds since the Unix epoch. */
  explain(error: unknown, now: number): ModelFailure;
}

/** The model that a provider's package made, and how to translate a call of the agent for it. */
export interface AdaptedModel {
  readonly model: LanguageModelV3;
  readonly baseUrl?: string;
  /** What the user should check after a refusal, if it is not a key of the configuration. */
  readonly advice?: string;
  /**
   * Secrets that were obtained after the model was made. They must not appear in a message either.
   */
  secrets?(): readonly string[];
  /** Translates the agent's call and its note for this provider. */
  adapt(options: LanguageModelV3CallOptions): LanguageModelV3CallOptions;
}

/** Joins a package's model with what the configuration says of its provider. */
export function configuredModel(provider: Provider, adapted: AdaptedModel): ConfiguredModel {
  const { model } = adapted;
  const switches = provider.switches?.get(model.modelId) ?? {};
  const reader = { provider: provider.id, model: model.modelId };
  const adapt = (options: LanguageModelV3CallOptions) => {
    const { turnStart } = readNote(options);
    const prompt = acrossModels(options.prompt, reader, provider.type, turnStart);
    return adapted.adapt(applySwitches({ ...options, prompt }, switches));
  };
  const baseUrl = provider.baseUrl ?? adapted.baseUrl;
  const identity: ModelIdentity = {
    providerId: provider.id,
    modelId: model.modelId,
    hasKey: provider.apiKey !== undefined,
    secrets: secretsOf(provider.apiKey, provider.headers),
    switchable: { names: provider.switchNames ?? [], set: switches },
    ...defined({ baseUrl, apiKeyVariable: provider.apiKeyVariable }),
    ...defined({ advice: provider.apiKey === undefined ? adapted.advice : undefined }),
  };
  const known = () => ({
    ...identity,
    secrets: [...(identity.secrets ?? []), ...(adapted.secrets?.() ?? [])],
  });
  return {
    specificationVersion: "v3",
    provider: provider.id,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    identity,
    doGenerate: (options) => model.doGenerate(adapt(options)),
    doStream: (options) => model.doStream(adapt(options)),
    explain: (error, now) => explainError(error, known(), now),
  };
}

/** Whether a model can explain its own failures. */
export function isConfigured(model: LanguageModelV3): model is ConfiguredModel {
  return "explain" in model && "identity" in model;
}
