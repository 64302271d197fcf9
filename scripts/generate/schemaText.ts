// JSON Schema in a reader's words: the type of a field as one line, an object as a table.
import type { JsonSchema } from "../../src/cli/schema.js";

/** A field's type as code: `string`, `"a" | "b"`, `[Session](#session)[]`. */
export function typeText(schema: JsonSchema): string {
  if (typeof schema.$ref === "string") return linkTo(schema.$ref);
  if ("const" in schema) return code(JSON.stringify(schema.const));
  if (Array.isArray(schema.enum)) {
    return schema.enum.map((value) => code(JSON.stringify(value))).join(" \\| ");
  }
  const options = optionsOf(schema);
  if (options !== undefined) return options.map(typeText).join(" or ");
  if (schema.type === "array") return `${typeText(asSchema(schema.items))}[]`;
  if (schema.type === "object") return objectText(schema);
  if (typeof schema.type === "string") return code(schema.type);
  return "anything";
}

/** The fields of an object as a table; says so where there are none. */
export function fieldTable(schema: JsonSchema): string {
  const fields = fieldsOf(schema);
  if (fields.length === 0) return "Nothing: `{}`.";
  const rows = fields.map(
    ({ name, isRequired, schema }) =>
      `| \`${name}${isRequired ? "" : "?"}\` | ${typeText(schema)} | ${meaningOf(schema)} |`,
  );
  return ["| field | type | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

/** The members of a union, where a schema is one. */
export function optionsOf(schema: JsonSchema): JsonSchema[] | undefined {
  const options = schema.oneOf ?? schema.anyOf;
  return Array.isArray(options) ? options.map(asSchema) : undefined;
}

function objectText(schema: JsonSchema): string {
  if (schema.additionalProperties !== undefined) {
    return `${code("object")} of ${typeText(asSchema(schema.additionalProperties))}`;
  }
  const fields = fieldsOf(schema).map(
    ({ name, isRequired, schema }) =>
      `${code(`${name}${isRequired ? "" : "?"}`)}: ${typeText(schema)}`,
  );
  return `{ ${fields.join(", ")} }`;
}

function fieldsOf(schema: JsonSchema) {
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(asSchema(schema.properties ?? {})).map(([name, value]) => ({
    name,
    isRequired: required.includes(name),
    schema: asSchema(value),
  }));
}

function meaningOf(schema: JsonSchema): string {
  const parts = [typeof schema.description === "string" ? schema.description : "", bounds(schema)];
  return parts
    .filter((part) => part !== "")
    .join(" ")
    .replaceAll("|", "\\|");
}

function bounds(schema: JsonSchema): string {
  const { minimum, maximum, maxLength, maxItems } = schema;
  if (typeof minimum === "number" && typeof maximum === "number") {
    return `${minimum} to ${maximum.toLocaleString("en")}.`;
  }
  if (typeof maxLength === "number") return `At most ${maxLength.toLocaleString("en")} characters.`;
  if (typeof maxItems === "number") return `At most ${maxItems.toLocaleString("en")}.`;
  return "";
}

function linkTo(reference: string): string {
  const name = reference.replace("#/$defs/", "");
  return `[${name}](#${name.toLowerCase()}-object)`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function asSchema(value: unknown): JsonSchema {
  if (typeof value !== "object" || value === null) throw new Error("not a JSON Schema");
  return Object.fromEntries(Object.entries(value));
}
