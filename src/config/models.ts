// Finding models in a configuration.
import { DomainError } from "../base/errors.js";
import type { ModelInfo, SelectedModel } from "../protocol/objects/model.js";
import type { Provider, ResolvedConfig } from "./types.js";

/** A provider and one of its models. */
export interface FoundModel {
  readonly provider: Provider;
  readonly model: ModelInfo;
}

/**
 * The model behind a choice. Throws `ModelNotConfigured`, with `data: {provider, model}`, when the
 * provider or the model is not in the configuration.
 */
export function findModel(config: ResolvedConfig, selected: SelectedModel): FoundModel {
  const provider = config.providers.get(selected.provider);
  const model = provider?.models.find(({ id }) => id === selected.model);
  if (provider !== undefined && model !== undefined) return { provider, model };
  throw new DomainError("ModelNotConfigured", notConfigured(config, provider, selected), {
    data: { provider: selected.provider, model: selected.model },
  });
}

/** Every model of every provider, in the order of the configuration. */
export function listModels(config: ResolvedConfig): ModelInfo[] {
  return [...config.providers.values()].flatMap(({ models }) => models);
}

/**
 * A provider's own small model, else its large one; the workspace's large model for a provider that
 * is unknown or has no models (protocol.md section 4).
 */
export function defaultSmallModel(config: ResolvedConfig, providerId: string): SelectedModel {
  const provider = config.providers.get(providerId);
  const model =
    provider?.defaultSmallModel ?? provider?.defaultLargeModel ?? provider?.models[0]?.id;
  return model === undefined ? config.models.large : { provider: providerId, model };
}

function notConfigured(
  config: ResolvedConfig,
  provider: Provider | undefined,
  { provider: id, model }: SelectedModel,
): string {
  const name = `${id}/${model}`;
  if (provider === undefined) {
    const known = listed([...config.providers.keys()]);
    return `the model ${name} is not configured: there is no provider ${id} (there is ${known}); choose another model, or add providers.${id}`;
  }
  const known = listed(provider.models.map((entry) => entry.id));
  return `the model ${name} is not configured: ${id} has ${known}; choose another model, or add ${model} to providers.${id}.models`;
}

/** Only a few names, so that the error stays short. */
function listed(names: readonly string[]): string {
  if (names.length === 0) return "no models";
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
