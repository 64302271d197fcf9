import type { Proxies } from "../network/proxies.js";
import type { ModelInfo, SelectedModel } from "../protocol/objects/model.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type { RelaySettings } from "./relaySettings.js";
import type { WorkerSettings } from "./workerSettings.js";

/** The kinds of provider that a configuration can name (protocol.md section 10). */
export type ProviderType =
  | "anthropic"
  | "openai"
  | "openai-compatible"
  | "google"
  | "azure"
  | "bedrock"
  | "vertex"
  | "offline";

/** What a model's server refuses, or how it wants it; what is undefined is sent as usual. */
export interface ModelSwitches {
  readonly tools?: boolean;
  readonly sampling?: boolean;
  readonly reasoningEffort?: boolean;
  readonly systemRole?: "system" | "developer" | "user";
  readonly maxTokensField?: string;
  readonly streamUsage?: boolean;
  readonly parallelToolCalls?: boolean;
  readonly emptyContent?: "null" | "text" | "omit";
  readonly reasoningHistory?: "all" | "turn" | "none";
}

/** A provider of type `azure`: its resource, and an existing token of Entra ID. */
export interface AzureAccount {
  readonly resource?: string;
  readonly apiVersion?: string;
  /** Never logged, never stored. */
  readonly token?: string;
  /** Whether the user's own sign-in may be used: only for an address of Azure. */
  readonly usesSignIn: boolean;
}

/** A provider of type `bedrock`: its region, and the credentials that sign. */
export interface AwsAccount {
  readonly region?: string;
  readonly profile?: string;
  /** Keys of the environment. Never logged, never stored. */
  readonly keys?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** The usual files, if the environment names others or a home. */
  readonly credentialsFile?: string;
  readonly configFile?: string;
}

/** A provider of type `vertex`: its project, location and credentials. */
export interface GoogleCloudAccount {
  readonly project?: string;
  readonly location: string;
  /** A file of credentials: a service account's, or what `gcloud` has written. */
  readonly credentialsFile?: string;
  /** Whether that file was named, and so must exist; the file of `gcloud` may be missing. */
  readonly isNamed: boolean;
  /** Whether the user's own credentials may be used: only for an address of Google. */
  readonly usesOwn: boolean;
}

/** A provider, made from the configuration, the catalogue and the environment. */
export interface Provider {
  readonly id: string;
  readonly type: ProviderType;
  readonly baseUrl?: string;
  /** The key itself, read from the environment. Never logged, never stored. */
  readonly apiKey?: string;
  /** The variable that the key comes from; fit for an error message. */
  readonly apiKeyVariable?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly azure?: AzureAccount;
  readonly aws?: AwsAccount;
  readonly googleCloud?: GoogleCloudAccount;
  /** The proxies that the environment names, with their passwords. Never logged, never stored. */
  readonly proxies?: Proxies;
  readonly models: readonly ModelInfo[];
  /** The switches of those models that have any, by the model's id. */
  readonly switches?: ReadonlyMap<string, ModelSwitches>;
  /** The names of the switches that its models can have. */
  readonly switchNames?: readonly string[];
  readonly defaultLargeModel?: string;
  readonly defaultSmallModel?: string;
}

/** A tool server of the configuration (protocol.md section 10). */
export type McpServer = {
  /** Whether its tools only read: all of them, or those of these names. */
  readonly readOnly?: boolean | readonly string[];
} & (
  | {
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly url: string; readonly headers: Readonly<Record<string, string>> }
);

/** An agent's program that runs turns (docs/engines.md). */
export interface EngineProgram {
  readonly type: "acp";
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Its own variables. They may hold keys: never logged, never stored. */
  readonly env: Readonly<Record<string, string>>;
  /** The agent's own mode for its turns; undefined: the one in which it asks. */
  readonly mode?: string;
}

/** The limits of a run (protocol.md section 4). */
export interface Limits {
  /** Model calls of one run, its sub-tasks' included. */
  readonly maxSteps: number;
  /** US dollars of one run. Undefined if there is no bound. */
  readonly maxCostUsd?: number;
  /** Tokens sent and received in one run. Undefined if there is no bound. */
  readonly maxTokens?: number;
  /** Seconds of one run, without waiting for a person. Undefined if there is no bound. */
  readonly maxSeconds?: number;
  /** Seconds that a model may send nothing. */
  readonly providerIdleSeconds: number;
  /** Denied permissions in a row. */
  readonly maxDenials: number;
  /** Seconds that a tool of the client may take. */
  readonly toolSeconds: number;
}

/** The limits of a server. Undefined means no limit. */
export interface ServerLimits {
  /** Turns that run at once. */
  readonly concurrentRuns?: number;
  /** Days after which a session that nobody has used is deleted. */
  readonly keepDays?: number;
  /** How long a run may wait for a server, in days. */
  readonly waitingDays?: number;
  /** Megabytes that are kept for taking back; there is a default. */
  readonly checkpointMegabytes?: number;
}

/** Permission rules, each `tool` or `tool:pattern` (protocol.md section 7). */
export interface PermissionRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** How commands and tool servers are confined (`permissions.sandbox`, `permissions.network`). */
export interface SandboxSetting {
  readonly mode: "read-only" | "workspace-write";
  readonly network: "none" | "allow";
}

/** The configuration of one workspace: everything checked, merged and resolved. */
export interface ResolvedConfig {
  /** By id, in the order of the configuration. */
  readonly providers: ReadonlyMap<string, Provider>;
  readonly models: { readonly large: SelectedModel; readonly small: SelectedModel };
  readonly permissionMode?: PermissionMode;
  /** The most that a run may be allowed. */
  readonly maxMode?: PermissionMode;
  readonly permissionRules: PermissionRules;
  /** Undefined if nothing is confined. */
  readonly sandbox?: SandboxSetting;
  readonly mcpServers: Readonly<Record<string, McpServer>>;
  readonly autoSummarize: boolean;
  /** Which of the two models writes summaries. */
  readonly summaryModel: "large" | "small";
  /** What is read where a folder has no `AGENTS.md`; the first that is there counts. */
  readonly contextFiles: readonly string[];
  readonly limits: Limits;
  /** The limits of the server, from the user's own file. */
  readonly serverLimits: ServerLimits;
  /** Where completions are carried, from the user's own file. */
  readonly relays: Readonly<Record<string, RelaySettings>>;
  /** The work queue of `turnwire worker`, from the user's own file. */
  readonly worker?: WorkerSettings;
  /** The engines beside the built-in one, from the user's own file. */
  readonly engines: Readonly<Record<string, EngineProgram>>;
  /** Variables that hold keys. They are removed from the environment of tools and tool servers. */
  readonly secretVariables: readonly string[];
  /** What was left out and why (untrusted settings, unset variables), each fit for the log. */
  readonly warnings: readonly string[];
}
