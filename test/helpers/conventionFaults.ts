// Checks what a collector has got against OpenTelemetry's conventions: the names of the attributes, their
// types, and which of them a span or metric must have. `scripts/conventions.mjs` writes the table of it.
import { readFileSync } from "node:fs";
import { ownAttributes, metrics as ownMetrics } from "../../src/telemetry/conventions.js";
import { spanKinds } from "../../src/telemetry/span.js";
import type { CollectedPoint, CollectedSpan, Collector } from "./collector.js";

type Level = "required" | "conditionally_required" | "recommended" | "opt_in";
type Levels = Readonly<Record<string, Level>>;

interface Registry {
  readonly version: string;
  readonly spans: Readonly<
    Record<string, { readonly kind: keyof typeof spanKinds; readonly attributes: Levels }>
  >;
  readonly metrics: Readonly<
    Record<
      string,
      { readonly instrument: string; readonly unit: string; readonly attributes: Levels }
    >
  >;
  readonly attributes: Readonly<
    Record<
      string,
      { readonly type: string; readonly values?: readonly string[]; readonly isDeprecated?: true }
    >
  >;
}

/** What the conventions say. */
const registry = JSON.parse(
  readFileSync(new URL("../telemetry/registry.generated.json", import.meta.url), "utf8"),
) as Registry;

/** Attributes of the conventions that we send where they do not list them. */
const beside: Readonly<Record<string, readonly string[]>> = {
  invoke_agent: ["gen_ai.usage.reasoning.output_tokens"],
  "gen_ai.client.operation.duration": ["gen_ai.tool.name"],
};
/** What is known whenever such a span begins, and so must be told under the conditions of the conventions. */
const alwaysKnown: Readonly<Record<string, readonly string[]>> = {
  chat: ["gen_ai.request.model", "gen_ai.request.stream", "gen_ai.conversation.id"],
  invoke_agent: ["gen_ai.conversation.id", "gen_ai.agent.name"],
  execute_tool: ["gen_ai.tool.call.id"],
};
const otlpTypes: Readonly<Record<string, string>> = {
  string: "stringValue",
  int: "intValue",
  double: "doubleValue",
  boolean: "boolValue",
  "string[]": "arrayValue",
  // JSON in a string, where a structure cannot be sent.
  any: "stringValue",
};
/** Whose values are a closed list: elsewhere another value may stand. */
const closed = ["gen_ai.operation.name", "gen_ai.token.type", "gen_ai.output.type"];

/** Everything that a collector has got and that the conventions do not allow. */
export function conventionFaults(
  collector: Pick<Collector, "spans" | "points">,
  { hasContents = false } = {},
): string[] {
  return [
    ...collector.spans.flatMap((span) => faultsOfSpan(span, hasContents)),
    ...collector.points.flatMap(faultsOfPoint),
  ];
}

/** What is wrong with one span. */
function faultsOfSpan(span: CollectedSpan, hasContents = false): string[] {
  const { attributes, types, name, status } = span;
  const operation = String(attributes["gen_ai.operation.name"] ?? "");
  const described = registry.spans[operation];
  const faults = faultsOfAttributes(attributes, types);
  if (described === undefined) {
    if (name !== "turnwire.deliver") faults.push(`no operation ${operation}`);
    return faults.map((fault) => `${name}: ${fault}`);
  }
  if (span.kind !== spanKinds[described.kind]) faults.push(`the kind is ${span.kind}`);
  const hasFailed = status.code === 2;
  if (hasFailed !== "error.type" in attributes) faults.push("error.type and the status differ");
  faults.push(...faultsOfLevels(operation, described.attributes, attributes));
  for (const [key, level] of Object.entries(described.attributes)) {
    if (level === "opt_in" && key in attributes && !hasContents) faults.push(`${key} is told`);
  }
  return faults.map((fault) => `${name}: ${fault}`);
}

/** What is wrong with one series of a metric. */
function faultsOfPoint({ name, unit, attributes, types, count }: CollectedPoint): string[] {
  const described = registry.metrics[name];
  const faults = faultsOfAttributes(attributes, types);
  if (described === undefined) {
    if (!(name in ownMetrics && name.startsWith("turnwire."))) faults.push("no such metric");
  } else {
    if (unit !== described.unit) faults.push(`the unit is ${unit}`);
    if ((count !== undefined) !== (described.instrument === "histogram")) {
      faults.push("it is another instrument");
    }
    faults.push(...faultsOfLevels(name, described.attributes, attributes));
  }
  return faults.map((fault) => `${name}: ${fault}`);
}

function faultsOfLevels(
  what: string,
  levels: Levels,
  attributes: Readonly<Record<string, unknown>>,
): string[] {
  const must = Object.keys(levels).filter((key) => levels[key] === "required");
  const missing = [...must, ...(alwaysKnown[what] ?? [])].filter((key) => !(key in attributes));
  const isListed = (key: string) =>
    key in levels || key in ownAttributes || beside[what]?.includes(key) === true;
  const others = Object.keys(attributes).filter((key) => !isListed(key));
  return [
    ...missing.map((key) => `${key} is missing`),
    ...others.map((key) => `${key} has no place here`),
  ];
}

function faultsOfAttributes(
  attributes: Readonly<Record<string, unknown>>,
  types: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const own = (ownAttributes as Readonly<Record<string, string>>)[key];
    const described = registry.attributes[key];
    const type = own ?? described?.type;
    if (type === undefined) return [`there is no ${key}`];
    const faults: string[] = [];
    if (described?.isDeprecated === true) faults.push(`${key} is deprecated`);
    if (types[key] !== otlpTypes[type]) faults.push(`${key} is no ${type}: ${types[key]}`);
    if (closed.includes(key) && described?.values?.includes(String(value)) === false) {
      faults.push(`${key} has no value ${String(value)}`);
    }
    return faults;
  });
}
