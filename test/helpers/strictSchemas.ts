// How strict the strictest providers are with the schema of a tool's input.

const types = ["string", "number", "integer", "boolean", "object", "array", "null"];
const refusedAtTop = ["oneOf", "anyOf", "allOf", "not", "enum"];

type Schema = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Why a provider would refuse the schema, and with it the whole request; undefined if it takes it. */
export function refusalOf(schema: unknown): string | undefined {
  if (!isObject(schema) || schema.type !== "object") return "the top is no object";
  const atTop = refusedAtTop.find((keyword) => keyword in schema);
  if (atTop !== undefined) return `${atTop} at the top`;
  if (!isObject(schema.properties)) return "there are no properties";
  return partRefusal(schema, "#");
}

function partRefusal(schema: unknown, at: string): string | undefined {
  if (!isObject(schema)) return `${at} is no schema`;
  const { type, required, properties, items, exclusiveMinimum } = schema;
  const named = type === undefined ? [] : [type].flat();
  if (!named.every((one) => types.includes(String(one)))) return `${at}: no such type`;
  if (required !== undefined) {
    if (!Array.isArray(required)) return `${at}: required is no list`;
    const known = isObject(properties) ? properties : {};
    const unknown = required.find((name) => !Object.hasOwn(known, String(name)));
    if (unknown !== undefined) return `${at}: ${unknown} is required and not there`;
  }
  if (exclusiveMinimum !== undefined && typeof exclusiveMinimum !== "number") {
    return `${at}: exclusiveMinimum is no number`;
  }
  if (Array.isArray(schema.enum) && schema.enum.length === 0) return `${at}: enum is empty`;
  if (items !== undefined && !isObject(items)) return `${at}: items is no schema`;
  if (properties !== undefined && !isObject(properties)) return `${at}: properties is no object`;
  const parts = [
    ...Object.entries(properties ?? {}),
    ...(items === undefined ? [] : [["[]", items]]),
  ];
  return parts
    .map(([name, part]) => partRefusal(part, `${at}/${name}`))
    .find((reason) => reason !== undefined);
}
