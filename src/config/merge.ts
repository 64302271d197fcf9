// Merges two files: the workspace's over the user's. It is pure and ignores trust: settings that an
// untrusted workspace may not have were removed before (see untrusted.ts).
import { defined } from "../base/defined.js";
import { stricterMode } from "../base/stricterMode.js";
import type { ConfigFile, ModelEntry, ProviderEntry } from "./schema.js";

/**
 * Single settings come from the workspace if it has them. Providers are merged by id, the
 * workspace's first; within a provider, headers are merged by name and models by id. A tool server
 * replaces one of the same id. Rules are joined, the user's first.
 */
export function mergeConfigFiles(user: ConfigFile, workspace: ConfigFile): ConfigFile {
  const { mode } = { ...user.permissions, ...workspace.permissions };
  const { maxMode: own } = workspace.permissions ?? {};
  const ofUser = user.permissions?.maxMode;
  const maxMode = own === undefined ? ofUser : stricterMode(own, ofUser);
  const summaryModel = workspace.summaryModel ?? user.summaryModel;
  const sandbox = workspace.permissions?.sandbox ?? user.permissions?.sandbox;
  const network = workspace.permissions?.network ?? user.permissions?.network;
  const contextFiles = workspace.contextFiles ?? user.contextFiles;
  const autoSummarize = workspace.autoSummarize ?? user.autoSummarize;
  return {
    providers: mergeProviders(user.providers ?? {}, workspace.providers ?? {}),
    models: { ...user.models, ...workspace.models },
    permissions: {
      ...defined({ mode, maxMode, sandbox, network }),
      allow: [...(user.permissions?.allow ?? []), ...(workspace.permissions?.allow ?? [])],
      deny: [...(user.permissions?.deny ?? []), ...(workspace.permissions?.deny ?? [])],
    },
    mcpServers: { ...user.mcpServers, ...workspace.mcpServers },
    ...defined({ autoSummarize, summaryModel, contextFiles }),
    limits: { ...user.limits, ...workspace.limits },
    ...defined({ relays: user.relays, worker: user.worker, engines: user.engines }),
  };
}

type Providers = Readonly<Record<string, ProviderEntry>>;

function mergeProviders(user: Providers, workspace: Providers): Record<string, ProviderEntry> {
  const own = Object.entries(workspace).map(([id, entry]) => {
    const below = user[id];
    return [id, below === undefined ? entry : mergeProvider(below, entry)] as const;
  });
  const rest = Object.entries(user).filter(([id]) => !Object.hasOwn(workspace, id));
  return Object.fromEntries([...own, ...rest]);
}

/** Another type means another provider, for which the settings of the first one are useless. */
function mergeProvider(below: ProviderEntry, above: ProviderEntry): ProviderEntry {
  if (below.type !== above.type) return above;
  const models = mergeModels(below.models, above.models);
  return {
    ...below,
    ...above,
    headers: mergeHeaders(below.headers ?? {}, above.headers ?? {}),
    ...defined({ models }),
  };
}

/** By name, ignoring case, as in HTTP. */
function mergeHeaders(
  below: Readonly<Record<string, string>>,
  above: Readonly<Record<string, string>>,
): Record<string, string> {
  const taken = new Set(Object.keys(above).map((name) => name.toLowerCase()));
  const rest = Object.entries(below).filter(([name]) => !taken.has(name.toLowerCase()));
  return { ...Object.fromEntries(rest), ...above };
}

function mergeModels(
  below: readonly ModelEntry[] | undefined,
  above: readonly ModelEntry[] | undefined,
): ModelEntry[] | undefined {
  if (below === undefined || above === undefined) {
    const only = above ?? below;
    return only && [...only];
  }
  const own = above.map((entry) => ({ ...below.find(({ id }) => id === entry.id), ...entry }));
  const rest = below.filter(({ id }) => !above.some((entry) => entry.id === id));
  return [...own, ...rest];
}
