// What a tool server says of its tools, made fit for providers and for the person who is asked.
import { isNestedDeeper } from "../base/jsonDepth.js";
import { cutText } from "../base/text.js";

const deepestSchema = 50;
/** At the top of a schema providers take none of these; whoever needs them checks the input itself. */
const refusedAtTop = ["oneOf", "anyOf", "allOf", "not", "if", "then", "else", "enum", "const"];

/**
 * The schema as every provider takes it: an object at the top with `properties` and a list of what is
 * required. Members that providers refuse there are left out, since the server checks its input in
 * any case; undefined where what is left would be no schema.
 */
export function fitSchema(
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  if (isNestedDeeper(given, deepestSchema)) return undefined;
  const { $schema: _, required, properties, ...rest } = given;
  const kept = Object.entries(rest).filter(([name]) => !refusedAtTop.includes(name));
  if (properties !== undefined && properties !== null && !isRecord(properties)) return undefined;
  const known = properties ?? {};
  const isSchema = (one: unknown) => typeof one === "boolean" || isRecord(one);
  if (!Object.values(known).every(isSchema)) return undefined;
  // `true` is a schema that some providers do not know.
  const told = Object.entries(known).map(([name, one]) => [name, isRecord(one) ? one : {}]);
  const names = Array.isArray(required)
    ? required.filter((name) => typeof name === "string" && Object.hasOwn(known, name))
    : [];
  const unique = [...new Set(names)];
  const fit = { ...Object.fromEntries(kept), type: "object", properties: Object.fromEntries(told) };
  return unique.length === 0 ? fit : { ...fit, required: unique };
}

/** One line of a server's own words: without quotes and what is not seen as what it is, and bounded. */
export function shownText(text: string): string {
  const line = cutText(text, 1_000)
    .replace(/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}"]+/gu, " ")
    .trim();
  return cutText(line, 100);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
