// Makes a configuration that is safe for a log or a screen: secrets are replaced by the names of
// their variables. It contains only listed fields, so a new field is hidden until it is added here.

import { defined } from "../base/defined.js";
import { shownAddress } from "../base/shownAddress.js";
import type { McpServer, Provider, ResolvedConfig } from "./types.js";

/** A provider without its secrets. */
export interface RedactedProvider {
  readonly id: string;
  readonly type: string;
  readonly baseUrl?: string;
  /**
   * `none` (for a cloud, the account is shown instead), `literal` (the file itself contains it),
   * `$NAME` or `$NAME (not set)`.
   */
  readonly apiKey: string;
  /** Names alone. */
  readonly headers: readonly string[];
  readonly models: readonly string[];
}

/** A tool server without its secrets. */
export type RedactedMcpServer =
  | { readonly command: string; readonly args: number; readonly env: readonly string[] }
  | { readonly url: string; readonly headers: readonly string[] };

/** A relay without its secrets. */
interface RedactedRelay {
  readonly type: string;
  /** Schemes and hosts alone. */
  readonly place: string;
}

/** A configuration without its secrets. */
export interface RedactedConfig
  extends Omit<
    ResolvedConfig,
    "providers" | "mcpServers" | "relays" | "engines" | "secretVariables"
  > {
  readonly relays: Readonly<Record<string, RedactedRelay>>;
  readonly engines: Readonly<Record<string, RedactedMcpServer>>;
  readonly providers: readonly RedactedProvider[];
  readonly mcpServers: Readonly<Record<string, RedactedMcpServer>>;
}

/** Shows a configuration without keys, header values, variables' values or URLs' queries. */
export function redact(config: ResolvedConfig): RedactedConfig {
  const mcpServers = Object.entries(config.mcpServers).map(
    ([id, server]) => [id, redactMcpServer(server)] as const,
  );
  return {
    providers: [...config.providers.values()].map(redactProvider),
    models: config.models,
    ...defined({ permissionMode: config.permissionMode }),
    permissionRules: config.permissionRules,
    mcpServers: Object.fromEntries(mcpServers),
    autoSummarize: config.autoSummarize,
    contextFiles: config.contextFiles,
    summaryModel: config.summaryModel,
    limits: config.limits,
    serverLimits: config.serverLimits,
    ...defined({ worker: config.worker }),
    relays: Object.fromEntries(
      Object.entries(config.relays).map(
        ([name, { type, url }]) => [name, { type, place: shownAddress(url) }] as const,
      ),
    ),
    engines: Object.fromEntries(
      Object.entries(config.engines).map(
        ([
          name,
          {
            command: [command, ...args],
            env,
          },
        ]) => [name, redactMcpServer({ command, args, env })],
      ),
    ),
    warnings: config.warnings,
  };
}

function redactProvider(provider: Provider): RedactedProvider {
  return {
    id: provider.id,
    type: provider.type,
    ...defined({ baseUrl: provider.baseUrl && withoutQuery(provider.baseUrl) }),
    apiKey: nameOfKey(provider),
    headers: Object.keys(provider.headers),
    models: provider.models.map(({ id }) => id),
  };
}

function nameOfKey(provider: Provider): string {
  const { apiKey, apiKeyVariable } = provider;
  if (apiKeyVariable === undefined) {
    return apiKey === undefined ? nameOfAccount(provider) : "literal";
  }
  return apiKey === undefined ? `$${apiKeyVariable} (not set)` : `$${apiKeyVariable}`;
}

/** The credentials that a provider without a key uses. */
function nameOfAccount({ azure, aws, googleCloud }: Provider): string {
  if (azure?.token !== undefined) return "$AZURE_OPENAI_AD_TOKEN";
  if (azure?.usesSignIn) return "none, the sign-in to Entra ID";
  if (aws?.profile !== undefined) return `none, the profile ${aws.profile}`;
  if (aws?.keys !== undefined) return "$AWS_ACCESS_KEY_ID";
  if (aws !== undefined) return "none, AWS's own places";
  if (googleCloud?.isNamed && googleCloud.usesOwn) return `none, ${googleCloud.credentialsFile}`;
  return googleCloud?.usesOwn ? "none, Google's own places" : "none";
}

/** Arguments are only counted: many programs take a token as an argument. */
function redactMcpServer(server: McpServer): RedactedMcpServer {
  return "url" in server
    ? { url: withoutQuery(server.url), headers: Object.keys(server.headers) }
    : { command: server.command, args: server.args.length, env: Object.keys(server.env) };
}

function withoutQuery(text: string): string {
  if (!URL.canParse(text)) return "(not a URL)";
  const url = new URL(text);
  return `${url.origin}${url.pathname}`;
}
