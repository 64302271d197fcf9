// Makes the descriptions and schemas of a tool server acceptable for providers and safe to show to
// a person.
import { isNestedDeeper } from "../base/jsonDepth.js";
import { cutText } from "../base/text.js";

const deepestSchema = 50;
/**
 * Providers refuse these at the top of a schema. A server that needs them checks the input itself.
 */
const refusedAtTop = ["oneOf", "anyOf", "allOf", "not", "if", "then", "else", "enum", "const"];

const types = ["string", "number", "integer", "boolean", "object", "array", "null"];

const isText = (value: unknown) => typeof value === "string";
const isTextList = (value: unknown) => Array.isArray(value) && value.every(isText);
const isFilledList = (value: unknown) => Array.isArray(value) && value.length > 0;
const isFlag = (value: unknown) => typeof value === "boolean";
const isAmount = (value: unknown) => typeof value === "number";
const isCount = (value: unknown) => Number.isInteger(value) && Number(value) >= 0;
const isType = (value: unknown) => isText(value) && types.includes(String(value));

/** The keywords of JSON Schema whose value a provider checks, and what the value must be. */
const forms: Readonly<Record<string, (value: unknown) => boolean>> = {
  type: (value) => isType(value) || (isFilledList(value) && [value].flat().every(isType)),
  enum: isFilledList,
  required: isTextList,
  title: isText,
  description: isText,
  format: isText,
  pattern: isText,
  $ref: isText,
  $comment: isText,
  examples: Array.isArray,
  minimum: isAmount,
  maximum: isAmount,
  exclusiveMinimum: isAmount,
  exclusiveMaximum: isAmount,
  multipleOf: (value) => isAmount(value) && Number(value) > 0,
  minLength: isCount,
  maxLength: isCount,
  minItems: isCount,
  maxItems: isCount,
  minProperties: isCount,
  maxProperties: isCount,
  uniqueItems: isFlag,
  deprecated: isFlag,
  readOnly: isFlag,
  writeOnly: isFlag,
};

/** The keywords whose value is a schema, a list of them, or schemas by name. */
const oneSchema = new Set(
  "items additionalItems contains propertyNames not if then else unevaluatedItems".split(" "),
);
const oneOrFlag = new Set(["additionalProperties", "unevaluatedProperties"]);
const schemaList = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const schemasByName = new Set(
  "properties patternProperties $defs definitions dependentSchemas".split(" "),
);

/**
 * The schema in a form that every provider takes: an object at the top, with `properties` and a
 * list of required ones. Keywords that providers refuse there are left out. Members at any depth
 * with an invalid value are left out too, since the server checks its input in any case. Undefined
 * if the rest would be no schema.
 */
export function fitSchema(
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  if (isNestedDeeper(given, deepestSchema)) return undefined;
  const { $schema: _, properties, ...rest } = given;
  if (properties !== undefined && properties !== null && !isRecord(properties)) return undefined;
  const isSchema = (one: unknown) => typeof one === "boolean" || isRecord(one);
  if (!Object.values(properties ?? {}).every(isSchema)) return undefined;
  const kept = Object.entries(rest).filter(([name]) => !refusedAtTop.includes(name));
  const { required, ...fit } = fitPart({ ...Object.fromEntries(kept), properties });
  const known = isRecord(fit.properties) ? fit.properties : {};
  const names = Array.isArray(required)
    ? [...new Set(required)].filter((name) => Object.hasOwn(known, name))
    : [];
  const whole = { ...fit, type: "object", properties: known };
  return names.length === 0 ? whole : { ...whole, required: names };
}

/** A schema at any depth, without its invalid members. */
function fitPart(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fit: [string, unknown][] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    const fitted = fitMember(keyword, value);
    if (fitted !== undefined) fit.push([keyword, fitted]);
  }
  return Object.fromEntries(fit);
}

/** The value of a keyword; undefined where it must be left out. */
function fitMember(keyword: string, value: unknown): unknown {
  if (keyword === "required" && Array.isArray(value)) {
    return [...new Set(value.filter(isText))];
  }
  if (oneOrFlag.has(keyword) && isFlag(value)) return value;
  if (oneSchema.has(keyword) || oneOrFlag.has(keyword)) {
    return isRecord(value) ? fitPart(value) : undefined;
  }
  if (schemaList.has(keyword)) {
    return Array.isArray(value) && value.length > 0 ? value.map(fitAny) : undefined;
  }
  if (schemasByName.has(keyword)) {
    if (!isRecord(value)) return undefined;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fitAny(one)]));
  }
  return forms[keyword]?.(value) === false ? undefined : value;
}

/** Some providers do not know `true` as a schema. An invalid schema allows everything. */
function fitAny(one: unknown): Record<string, unknown> {
  return isRecord(one) ? fitPart(one) : {};
}

/**
 * One line of a server's text: bounded, without quotes, and without invisible or misleading
 * characters.
 */
export function shownText(text: string): string {
  const line = cutText(text, 1_000)
    .replace(/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}"]+/gu, " ")
    .trim();
  return cutText(line, 100);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
