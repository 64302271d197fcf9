// Writes test/telemetry/registry.generated.json: what OpenTelemetry's semantic conventions say of the
// spans and metrics that we send, with the types and requirement levels that the package on npm lacks.
//   node scripts/conventions.mjs FOLDER   (a clone of github.com/open-telemetry/semantic-conventions)
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

const [clone] = process.argv.slice(2);
if (clone === undefined) throw new Error("usage: node scripts/conventions.mjs FOLDER");
const table = readFileSync("src/telemetry/conventions.ts", "utf8");
const [, version] = /conventionsVersion = "([\d.]+)"/.exec(table) ?? [];

const spans = {
  chat: "span.gen_ai.inference.client",
  invoke_agent: "span.gen_ai.invoke_agent.internal",
  execute_tool: "span.gen_ai.execute_tool.internal",
};
const metrics = ["gen_ai.client.token.usage", "gen_ai.client.operation.duration"];

const groupsOf = (path) =>
  parse(
    execFileSync("git", ["-C", clone, "show", `v${version}:model/${path}.yaml`], {
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    }),
  ).groups;
const registry = ["gen-ai/registry", "error/registry", "server/registry"].flatMap(groupsOf);
const groups = new Map(
  ["gen-ai/spans", "gen-ai/metrics"].flatMap(groupsOf).map((group) => [group.id, group]),
);

/** The attributes of a group and of those that it extends, each with its requirement level. */
function levelsOf(id) {
  const { attributes = [], extends: base } = groups.get(id);
  const levels = base === undefined ? {} : levelsOf(base);
  for (const { ref, requirement_level: level } of attributes) {
    const kind = typeof level === "object" ? Object.keys(level)[0] : level;
    levels[ref] = kind ?? levels[ref] ?? "recommended";
  }
  return levels;
}

const described = {
  version,
  spans: Object.fromEntries(
    Object.entries(spans).map(([operation, id]) => [
      operation,
      { kind: groups.get(id).span_kind, attributes: levelsOf(id) },
    ]),
  ),
  metrics: Object.fromEntries(
    metrics.map((name) => {
      const { instrument, unit } = groups.get(`metric.${name}`);
      return [name, { instrument, unit, attributes: levelsOf(`metric.${name}`) }];
    }),
  ),
};
const used = [...Object.values(described.spans), ...Object.values(described.metrics)].flatMap(
  ({ attributes }) => Object.keys(attributes),
);
const ours = [...table.matchAll(/^ {2}"((?:gen_ai|error)[\w.]+)": "/gm)].map(([, name]) => name);
const wanted = new Set([...used, ...ours]);
const types = registry
  .flatMap(({ attributes = [] }) => attributes)
  .filter(({ id }) => wanted.has(id))
  .sort((a, b) => (a.id < b.id ? -1 : 1))
  .map(({ id, type, deprecated }) => {
    const described = { type };
    if (typeof type === "object") {
      described.type = "string";
      described.values = [...new Set(type.members.map(({ value }) => value))];
    }
    if (deprecated !== undefined) described.isDeprecated = true;
    return [id, described];
  });
writeFileSync(
  "test/telemetry/registry.generated.json",
  `${JSON.stringify({ ...described, attributes: Object.fromEntries(types) }, null, 2)}\n`,
);
