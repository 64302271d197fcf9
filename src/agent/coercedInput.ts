// Models send `"1"` for 1, `"true"` for true and lists as text. If a tool's schema shows what was
// meant and nothing is lost, the input is converted without a message to the model.
import { isNestedDeeper } from "../base/jsonDepth.js";

type Schema = Readonly<Record<string, unknown>>;

const jsonNumber = /^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,3})?$/;
const longestNumber = 40;

/**
 * Copies a value. Each part with a wrong type is converted to the type of its schema, if that is
 * possible without loss. Parts that fit, or that the schema leaves open, are unchanged.
 *
 * @param schema a JSON Schema; `type`, `properties`, `required`, `items`, `anyOf` and `oneOf` of it
 * are understood; the rest is checked later.
 */
export function coercedInput(schema: unknown, value: unknown): unknown {
  if (!isObject(schema)) return value;
  const branches = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(branches)) return coercedToOne(branches, value);
  const types = typesOf(schema);
  const fitting = types.length === 0 || types.some((type) => isOf(type, value));
  const taken = fitting ? value : converted(types, value);
  if (Array.isArray(taken)) return coercedItems(schema.items, taken);
  return isObject(taken) ? coercedMembers(schema, taken) : taken;
}

function coercedToOne(branches: readonly unknown[], value: unknown): unknown {
  const fits = (branch: unknown) => {
    const types = isObject(branch) ? typesOf(branch) : [];
    return types.length === 0 || types.some((type) => isOf(type, value));
  };
  const own = branches.filter(fits);
  // If several fit, the check of the value finds the right one.
  if (own.length > 0) return own.length === 1 ? coercedInput(own[0], value) : value;
  for (const branch of branches) {
    const taken = coercedInput(branch, value);
    if (taken !== value) return taken;
  }
  return value;
}

function coercedItems(items: unknown, values: readonly unknown[]): readonly unknown[] {
  const taken = values.map((value) => coercedInput(items, value));
  return taken.some((value, index) => value !== values[index]) ? taken : values;
}

function coercedMembers(schema: Schema, value: Schema): Schema {
  const { properties, required } = schema;
  if (!isObject(properties)) return value;
  let isChanged = false;
  const members: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const isNeeded = Array.isArray(required) && required.includes(name);
    // `null` for an optional member means that it is left out.
    if (member === null && !isNeeded && isObject(own) && !acceptsNull(own)) {
      isChanged = true;
      continue;
    }
    const taken = coercedInput(own, member);
    isChanged ||= taken !== member;
    members.push([name, taken]);
  }
  return isChanged ? Object.fromEntries(members) : value;
}

function acceptsNull(schema: Schema): boolean {
  const branches = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(branches)) return branches.some((one) => !isObject(one) || acceptsNull(one));
  const types = typesOf(schema);
  return types.length === 0 || types.includes("null");
}

function typesOf({ type }: Schema): readonly string[] {
  if (typeof type === "string") return [type];
  return Array.isArray(type) ? type.filter((one) => typeof one === "string") : [];
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "null":
      return value === null;
    default:
      return typeof value === type;
  }
}

/** The value, converted to the first type that is possible. */
function converted(types: readonly string[], value: unknown): unknown {
  for (const type of types) {
    const taken = typeof value === "string" ? fromText(type, value) : toText(type, value);
    if (taken !== undefined) return taken;
  }
  return value;
}

function fromText(type: string, text: string): unknown {
  const trimmed = text.trim();
  if (type === "boolean") return { true: true, false: false }[trimmed];
  if (type === "number" || type === "integer") return numberOf(trimmed, type);
  if (type !== "array" && type !== "object") return undefined;
  if (!/^[[{]/.test(trimmed)) return undefined;
  try {
    const value: unknown = JSON.parse(trimmed);
    return isOf(type, value) && !isNestedDeeper(value) ? value : undefined;
  } catch {
    // It is no JSON, so the text itself was meant. The check reports what is wrong with it.
    return undefined;
  }
}

function numberOf(text: string, type: "number" | "integer"): number | undefined {
  if (text.length > longestNumber || !jsonNumber.test(text)) return undefined;
  const value = Number(text);
  const isExact = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  return isExact && (type === "number" || Number.isInteger(value)) ? value : undefined;
}

function toText(type: string, value: unknown): string | undefined {
  if (type !== "string") return undefined;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
