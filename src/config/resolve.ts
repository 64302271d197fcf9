// Makes the configuration of one workspace from checked files and an environment. It is pure:
// load.ts reads the files.
import { defined } from "../base/defined.js";
import type { SelectedModel } from "../protocol/objects/model.js";
import {
  defaultAutoSummarize,
  defaultContextFiles,
  defaultLimits,
  defaultSummaryModel,
} from "./defaults.js";
import { mergeConfigFiles } from "./merge.js";
import { offlineId, resolveProviders } from "./providers.js";
import { resolveRelays } from "./relays.js";
import { sandboxOf } from "./sandbox.js";
import type { ConfigFile, McpServerEntry } from "./schema.js";
import { Secrets } from "./secrets.js";
import { serverLimitsOf, withoutServerLimits } from "./serverLimits.js";
import type { Limits, McpServer, Provider, ResolvedConfig } from "./types.js";
import { restrictUntrusted } from "./untrusted.js";
import { withoutReadOnly, withoutUsersFields } from "./usersOnly.js";
import type { Environment } from "./variables.js";
import { workerSettings } from "./workerSettings.js";

/** The input of a configuration; a missing file is an empty one. */
export interface ConfigParts {
  readonly user: ConfigFile;
  readonly workspace: ConfigFile;
  readonly trusted: boolean;
  /** The server's environment, with `createWorkspace.env` over it. */
  readonly env: Environment;
}

/**
 * Merges the files, applies restrictions, and fills in defaults. Never throws: `findModel` reports
 * a missing model.
 */
export function resolveConfig(parts: ConfigParts): ResolvedConfig {
  const { user, trusted, env } = parts;
  const others = withoutUsersFields(parts.workspace);
  const bounded = withoutServerLimits(others.file);
  const { file: workspace, warnings: ofTools } = trusted
    ? withoutReadOnly(bounded.file)
    : { file: bounded.file, warnings: [] };
  const ofServer = [...others.warnings, ...bounded.warnings, ...ofTools];
  if (trusted) {
    const merged = fillIn(mergeConfigFiles(user, workspace), env);
    // A key that the workspace does not use still belongs to the user.
    const secrets = [...merged.secretVariables, ...fillIn(user, env).secretVariables];
    const warnings = [...ofServer, ...merged.warnings];
    return { ...merged, secretVariables: [...new Set(secrets)], warnings };
  }
  const own = fillIn(user, env);
  // The embedded model always exists, but it counts as the user's own only if they list or use it.
  const isOwnModel = (provider: string, model: string) =>
    (provider !== offlineId || own.models.large.provider === offlineId || isListed(user)) &&
    (own.providers.get(provider)?.models.some(({ id }) => id === model) ?? false);
  const restricted = restrictUntrusted(workspace, { ...own, hasModel: isOwnModel });
  const resolved = fillIn(mergeConfigFiles(user, restricted.file), env);
  return { ...resolved, warnings: [...ofServer, ...restricted.warnings, ...resolved.warnings] };
}

/** Whether the user lists the embedded provider: then it is one of theirs. */
function isListed(user: ConfigFile): boolean {
  return user.providers?.[offlineId] !== undefined;
}

function fillIn(file: ConfigFile, env: Environment): ResolvedConfig {
  const secrets = new Secrets(env);
  const providers = resolveProviders(file.providers ?? {}, env, secrets);
  const mcpServers = Object.entries(file.mcpServers ?? {}).map(
    ([id, entry]) => [id, resolveMcpServer(id, entry, secrets)] as const,
  );
  const large = file.models?.large ?? firstModel(providers);
  return {
    providers,
    models: { large, small: file.models?.small ?? smallModelOf(providers, large) },
    ...defined({
      permissionMode: file.permissions?.mode,
      maxMode: file.permissions?.maxMode,
      sandbox: sandboxOf(file.permissions ?? {}),
    }),
    permissionRules: {
      allow: file.permissions?.allow ?? [],
      deny: file.permissions?.deny ?? [],
    },
    mcpServers: Object.fromEntries(mcpServers),
    autoSummarize: file.autoSummarize ?? defaultAutoSummarize,
    summaryModel: file.summaryModel ?? defaultSummaryModel,
    contextFiles: file.contextFiles ?? defaultContextFiles,
    limits: limitsOf(file.limits),
    serverLimits: serverLimitsOf(file),
    ...defined({ worker: file.worker && workerSettings(file.worker) }),
    relays: resolveRelays(file.relays ?? {}, env, secrets),
    engines: enginesOf(file, secrets),
    secretVariables: secrets.variables,
    warnings: secrets.warnings,
  };
}

function enginesOf({ engines = {} }: ConfigFile, secrets: Secrets): ResolvedConfig["engines"] {
  const resolved = Object.entries(engines).map(([name, { type, command, env = {}, mode }]) => {
    const values = secrets.values(`engines.${name}.env`, env, "value");
    return [name, { type, command, env: values, ...defined({ mode }) }];
  });
  return Object.fromEntries(resolved);
}

function limitsOf(told: ConfigFile["limits"] = {}): Limits {
  const {
    concurrentRuns: _runs,
    keepDays: _days,
    checkpointMegabytes: _size,
    waitingDays: _waiting,
    ...ofRun
  } = told;
  return { ...defaultLimits, ...ofRun };
}

function resolveMcpServer(id: string, entry: McpServerEntry, secrets: Secrets): McpServer {
  const field = `mcpServers.${id}`;
  const readOnly = defined({ readOnly: entry.readOnly });
  if (entry.url !== undefined) {
    const headers = secrets.values(`${field}.headers`, entry.headers ?? {}, "header");
    return { url: entry.url, headers, ...readOnly };
  }
  return {
    // The schema demands one of the two.
    command: entry.command ?? "",
    args: entry.args ?? [],
    env: secrets.values(`${field}.env`, entry.env ?? {}, "value"),
    ...readOnly,
  };
}

/** The default model of the first provider that has any; the embedded one always has. */
function firstModel(providers: ReadonlyMap<string, Provider>): SelectedModel {
  for (const provider of providers.values()) {
    const model = provider.defaultLargeModel ?? provider.models[0]?.id;
    if (model !== undefined) return { provider: provider.id, model };
  }
  return { provider: offlineId, model: offlineId };
}

function smallModelOf(
  providers: ReadonlyMap<string, Provider>,
  large: SelectedModel,
): SelectedModel {
  const model = providers.get(large.provider)?.defaultSmallModel;
  return model === undefined ? large : { provider: large.provider, model };
}
