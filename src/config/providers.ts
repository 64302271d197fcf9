// Makes callable providers from those of a file, or from the environment if there are none: it
// fills in keys and known models.
import { defined } from "../base/defined.js";
import { proxiesOf } from "../network/proxies.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { catalogueOf, knownModel } from "./catalogue.js";
import { cloudAccount, isVendors, namesCredentials } from "./clouds.js";
import { usualKeyVariable, usualKeyVariables } from "./defaults.js";
import type { ModelEntry, ProviderEntry } from "./schema.js";
import type { Secrets } from "./secrets.js";
import { switchesOf, withoutSwitches } from "./switchFields.js";
import type { ModelSwitches, Provider } from "./types.js";
import { type Environment, isSet, variablesIn } from "./variables.js";

/** The id of the embedded provider and of its model, always there. */
export const offlineId = "offline";

/**
 * The providers by id, in the order of the configuration, the embedded one last. If none is
 * configured, the first usual variable that is set makes one.
 */
export function resolveProviders(
  configured: Readonly<Record<string, ProviderEntry>>,
  env: Environment,
  secrets: Secrets,
): ReadonlyMap<string, Provider> {
  const given = Object.entries(configured);
  const entries = given.length > 0 ? given : providerOfEnvironment(env);
  const providers = new Map(entries.map(([id, entry]) => [id, resolve(id, entry, env, secrets)]));
  if (!providers.has(offlineId)) {
    providers.set(offlineId, resolve(offlineId, { type: "offline" }, env, secrets));
  }
  return providers;
}

function providerOfEnvironment(env: Environment): [string, ProviderEntry][] {
  const found = [...usualKeyVariables].find(([, variable]) => isSet(variable, env));
  return found === undefined ? [] : [[found[0], { type: found[0] }]];
}

function resolve(id: string, entry: ProviderEntry, env: Environment, secrets: Secrets): Provider {
  // The vendor's key is sent only to the vendor, not to another `baseUrl`.
  const usual =
    isVendors(entry) && !namesCredentials(entry) ? usualKeyVariable(entry.type, env) : undefined;
  const keyText = entry.apiKey ?? (usual && `$${usual}`);
  const apiKeyVariable = keyText === undefined ? undefined : variablesIn(keyText)[0];
  const apiKey = keyText && secrets.header(`providers.${id}.apiKey`, keyText);
  const { models, switches } = resolveModels(id, entry);
  const known = catalogueOf(entry.type);
  const ifListed = (model: string | undefined) =>
    models.some((listed) => listed.id === model) ? model : undefined;
  const large = entry.defaultLargeModel ?? ifListed(known?.defaultLargeModel);
  const small = entry.defaultSmallModel ?? ifListed(known?.defaultSmallModel);
  return {
    id,
    type: entry.type,
    ...defined({ baseUrl: entry.baseUrl, apiKey: apiKey || undefined, apiKeyVariable }),
    headers: secrets.values(`providers.${id}.headers`, entry.headers ?? {}, "header"),
    ...cloudAccount(id, entry, env, secrets),
    ...defined({ proxies: proxiesOf(env) }),
    models,
    switches,
    switchNames: switchesOf(entry.type),
    ...defined({ defaultLargeModel: large, defaultSmallModel: small }),
  };
}

function resolveModels(provider: string, entry: ProviderEntry) {
  const own = catalogueOf(entry.type)?.models ?? [];
  const configured: readonly ModelEntry[] = entry.models ?? own.map(({ id }) => ({ id }));
  const switches = new Map<string, ModelSwitches>();
  const models = configured.map((model): ModelInfo => {
    const { switches: set, rest } = withoutSwitches(model);
    if (Object.keys(set).length > 0) switches.set(model.id, set);
    return {
      name: model.id,
      canReason: false,
      supportsImages: false,
      ...knownModel(entry.type, model.id),
      ...rest,
      provider,
    };
  });
  return { models, switches };
}
