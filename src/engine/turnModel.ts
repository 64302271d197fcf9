// The models of turns. They are kept between turns, since a package takes a while to load.
import type { TurnModel } from "../agent/turn.js";
import type { Clock } from "../base/clock.js";
import { findModel } from "../config/models.js";
import type { Provider } from "../config/types.js";
import type { ConfiguredModel } from "../models/configuredModel.js";
import { createLanguageModel } from "../models/createLanguageModel.js";
import type { SelectedModel } from "../protocol/objects/model.js";
import type { EngineSetup } from "./engine.js";

/** By provider as a configuration has it, which is another one when the configuration changes. */
const loadedModels = new WeakMap<Provider, Map<string, Promise<ConfiguredModel>>>();

/** What providers have said of their models' windows, where it is less than a configuration says. */
const learntWindows = new WeakMap<Provider, Map<string, number>>();

/** The model that was selected, which is loaded once for each configuration of its provider. */
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
    // What failed is tried again by the next turn.
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
