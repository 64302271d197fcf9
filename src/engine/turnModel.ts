// Keeps the models between turns, since loading a package takes a while.
import type { TurnModel } from "../agent/turn.js";
import type { Clock } from "../base/clock.js";
import { findModel } from "../config/models.js";
import type { Provider } from "../config/types.js";
import type { ConfiguredModel } from "../models/configuredModel.js";
import { createLanguageModel } from "../models/createLanguageModel.js";
import type { SelectedModel } from "../protocol/objects/model.js";
import type { EngineSetup } from "./setup.js";

/**
 * The models by the provider's configuration object; it is a new object when the configuration
 * changes.
 */
const loadedModels = new WeakMap<Provider, Map<string, Promise<ConfiguredModel>>>();

/** The context windows that providers have named, if they are smaller than the configured ones. */
const learntWindows = new WeakMap<Provider, Map<string, number>>();

/** The selected model. It is loaded once for each configuration of its provider. */
export function turnModel(
  { config }: EngineSetup,
  selected: SelectedModel,
  clock: Clock,
): TurnModel {
  const { provider, model } = findModel(config, selected);
  const models = loadedModels.get(provider) ?? new Map<string, Promise<ConfiguredModel>>();
  loadedModels.set(provider, models);
  const load = () => {
    const known = models.get(model.id);
    if (known !== undefined) return known;
    const loading = createLanguageModel(provider, model, clock);
    models.set(model.id, loading);
    // If loading failed, the next turn tries again.
    loading.catch(() => models.delete(model.id));
    return loading;
  };
  const windows = learntWindows.get(provider) ?? new Map<string, number>();
  learntWindows.set(provider, windows);
  return {
    get info() {
      const learnt = windows.get(model.id);
      return learnt === undefined ? model : { ...model, contextWindow: learnt };
    },
    selected,
    load,
    learnWindow: (tokens) => {
      const known = windows.get(model.id) ?? model.contextWindow ?? tokens;
      windows.set(model.id, Math.min(known, tokens));
    },
  };
}
