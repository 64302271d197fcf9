// Other forms of a configuration file's schema: JSON Schema for editors, a table for people, and
// the names from which to suggest a correction of a misspelt field.
import * as z from "zod";
import { ConfigFile } from "./schema.js";

/** The parts of JSON Schema that the configuration's own schema uses. */
export interface JsonSchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchemaNode | false;
  readonly items?: JsonSchemaNode;
}

/** The JSON Schema (draft 2020-12) of a configuration file, which is in `docs/`. */
export function configJsonSchema(): JsonSchemaNode {
  return z.toJSONSchema(ConfigFile(), { io: "input" }) as JsonSchemaNode;
}

/** The fields that an object at `path` may have; empty if it has none of its own. */
export function fieldsAt(path: readonly PropertyKey[]): readonly string[] {
  let node: JsonSchemaNode | undefined = configJsonSchema();
  for (const key of path) {
    if (node === undefined) return [];
    node =
      typeof key === "number"
        ? node.items
        : (node.properties?.[String(key)] ?? (node.additionalProperties || undefined));
  }
  return Object.keys(node?.properties ?? {});
}

/** Every field of a configuration file, as a table in Markdown. */
export function configurationTable(): string {
  const rows = ["| field | type | default | meaning |", "| --- | --- | --- | --- |"];
  for (const [path, node, required] of fieldsOf(configJsonSchema(), "")) {
    const fallback = node.default === undefined ? "" : `\`${JSON.stringify(node.default)}\``;
    const type = `${typeOf(node)}${required ? ", required" : ""}`;
    rows.push(`| \`${path}\` | ${type} | ${fallback} | ${node.description ?? ""} |`);
  }
  return rows.map((row) => `${row}\n`).join("");
}

type Field = readonly [path: string, node: JsonSchemaNode, required: boolean];

function* fieldsOf(node: JsonSchemaNode, prefix: string): Generator<Field> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    yield [path, child, node.required?.includes(name) ?? false];
    yield* fieldsOf(child, path);
    if (child.items) yield* fieldsOf(child.items, `${path}[]`);
    if (child.additionalProperties) yield* fieldsOf(child.additionalProperties, `${path}.<id>`);
  }
}

function typeOf(node: JsonSchemaNode): string {
  if (node.enum) return node.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  if (node.items) return `array of ${typeOf(node.items)}s`;
  if (node.additionalProperties) {
    const value = typeOf(node.additionalProperties);
    return `object of ${value}s by ${value === "object" ? "id" : "name"}`;
  }
  return node.format === "uri" ? "URL" : (node.type ?? "any");
}
