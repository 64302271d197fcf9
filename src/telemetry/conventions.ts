// The names of OpenTelemetry's semantic conventions that are used here: one table, with the version
// in which they stand so, and the names of our own. A test compares it with the published registry.

/** The version of the conventions; GenAI's are in development, so a later one may say it otherwise. */
export const conventionsVersion = "1.41.0";

/** Where the conventions of that version are described for programs. */
export const schemaUrl = `https://opentelemetry.io/schemas/${conventionsVersion}`;

/** The type of an attribute's values. */
export type AttributeType = "string" | "int" | "double" | "boolean" | "string[]";

/** The attributes that the conventions define, and their types. */
export const conventionalAttributes = {
  "error.type": "string",
  "gen_ai.agent.name": "string",
  "gen_ai.agent.version": "string",
  "gen_ai.conversation.id": "string",
  "gen_ai.input.messages": "string",
  "gen_ai.operation.name": "string",
  "gen_ai.output.messages": "string",
  "gen_ai.provider.name": "string",
  "gen_ai.request.max_tokens": "int",
  "gen_ai.request.model": "string",
  "gen_ai.request.stream": "boolean",
  "gen_ai.request.temperature": "double",
  "gen_ai.request.top_p": "double",
  "gen_ai.response.finish_reasons": "string[]",
  "gen_ai.response.id": "string",
  "gen_ai.response.model": "string",
  "gen_ai.response.time_to_first_chunk": "double",
  "gen_ai.system_instructions": "string",
  "gen_ai.token.type": "string",
  "gen_ai.tool.call.arguments": "string",
  "gen_ai.tool.call.id": "string",
  "gen_ai.tool.call.result": "string",
  "gen_ai.tool.definitions": "string",
  "gen_ai.tool.description": "string",
  "gen_ai.tool.name": "string",
  "gen_ai.tool.type": "string",
  "gen_ai.usage.cache_creation.input_tokens": "int",
  "gen_ai.usage.cache_read.input_tokens": "int",
  "gen_ai.usage.input_tokens": "int",
  "gen_ai.usage.output_tokens": "int",
  "gen_ai.usage.reasoning.output_tokens": "int",
} as const satisfies Record<string, AttributeType>;

/** The attributes that only Turnwire has. */
export const ownAttributes = {
  "turnwire.attempt": "int",
  "turnwire.cancelled": "boolean",
  "turnwire.completion.id": "string",
  "turnwire.completion.sequence": "int",
  "turnwire.purpose": "string",
  "turnwire.run.cause": "string",
  "turnwire.run.id": "string",
  "turnwire.run.kind": "string",
  "turnwire.run.status": "string",
  "turnwire.tool.state": "string",
  "turnwire.workspace.id": "string",
} as const satisfies Record<string, AttributeType>;

type ValueOf = {
  string: string;
  int: number;
  double: number;
  boolean: boolean;
  "string[]": readonly string[];
};
type Known = typeof conventionalAttributes & typeof ownAttributes;

/** Attributes with their values; one that is undefined is left out. */
export type Attributes = { readonly [N in keyof Known]?: ValueOf[Known[N]] | undefined };

/** The value of an attribute. */
export type AttributeValue = ValueOf[AttributeType];

/** The type of an attribute. */
export function typeOf(name: string): AttributeType {
  return (
    (conventionalAttributes as Record<string, AttributeType>)[name] ??
    (ownAttributes as Record<string, AttributeType>)[name] ??
    "string"
  );
}

/** A metric: its kind, unit, and a description for a person. */
export interface MetricKind {
  readonly kind: "histogram" | "gauge";
  readonly unit: string;
  readonly description: string;
  /** The upper bounds of a histogram's buckets. */
  readonly bounds?: readonly number[];
}

/** The metrics: those of `gen_ai` are the conventions'. */
export const metrics = {
  "gen_ai.client.token.usage": {
    kind: "histogram",
    unit: "{token}",
    description: "Number of input and output tokens used.",
    bounds: [
      1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
    ],
  },
  "gen_ai.client.operation.duration": {
    kind: "histogram",
    unit: "s",
    description: "GenAI operation duration.",
    bounds: [
      0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
    ],
  },
  "turnwire.queue.depth": {
    kind: "gauge",
    unit: "{prompt}",
    description: "Prompts of this server that wait behind another of their session.",
  },
  "turnwire.runs.open": {
    kind: "gauge",
    unit: "{run}",
    description: "Runs of this server that are accepted and have not ended.",
  },
  "turnwire.completions.unacknowledged": {
    kind: "gauge",
    unit: "{completion}",
    description: "Completions of the data directory that no client has acknowledged.",
  },
} as const satisfies Record<string, MetricKind>;

/** The name of a metric. */
export type MetricName = keyof typeof metrics;

/** The names of providers that the conventions know, by what the configuration calls them. */
const providerNames: Readonly<Record<string, string>> = {
  azure: "azure.ai.openai",
  bedrock: "aws.bedrock",
  google: "gcp.gemini",
  mistral: "mistral_ai",
  vertex: "gcp.vertex_ai",
  xai: "x_ai",
};

/** What the conventions call a provider; one that they do not know keeps its name. */
export function providerName(id: string): string {
  return Object.hasOwn(providerNames, id) ? (providerNames[id] ?? id) : id;
}
