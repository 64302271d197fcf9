// Turns the text of a tool's input into a checked value. For every mistake, the model gets a
// sentence that names the field and the fix.
import type * as z from "zod";
import { messageOf } from "../base/errors.js";
import { deepestJson, excessOf, isNestedDeeper } from "../base/jsonDepth.js";
import { cutText, formatCount } from "../base/text.js";
import { coercedInput } from "./coercedInput.js";

/** The JSON of a call's input, or what is wrong with it. */
export type ParsedInput =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly text: string; readonly problem: string };

/** A checked input, or what is wrong with it. */
export type CheckedInput<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

const mostIssues = 10;

/** The longest input of a call, in UTF-16 units. */
export const longestToolInput = 2 * 1024 * 1024;
/** The most values of an input: more take too long to parse, to check and to store. */
export const mostToolInputValues = 50_000;
/** How much of an input that is too long is kept. */
const keptOfTooLong = 10_000;

const problemOf = {
  depth: `The input is nested more than ${deepestJson} levels deep. Call the tool again with a flatter one.`,
  values: `The input has more than ${formatCount(mostToolInputValues)} values. Do it in smaller pieces.`,
};

/**
 * Reads a call's input. An empty text is an empty object. An input is not ok if it is too long, has
 * too many values, or is nested too deep to be stored and sent again.
 */
export function parseToolInput(text: string): ParsedInput {
  if (text.length > longestToolInput) {
    const problem = `The input is longer than ${formatCount(longestToolInput)} characters. Do it in smaller pieces.`;
    return { ok: false, text: cutText(text, keptOfTooLong), problem };
  }
  const excess = excessOf(text, { depth: deepestJson, values: mostToolInputValues });
  if (excess !== undefined) {
    return { ok: false, text: cutText(text, keptOfTooLong), problem: problemOf[excess] };
  }
  if (text.trim() === "") return { ok: true, value: {} };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    const problem = `The input is not valid JSON (${messageOf(error)}). Call the tool again with one JSON object.`;
    return { ok: false, text, problem };
  }
}

/**
 * Checks an input against its tool's schema. A value of a wrong type is converted if nothing is
 * lost.
 *
 * @param jsonSchema the schema that the model was told.
 */
export function checkToolInput<T>(
  schema: z.ZodType<T>,
  jsonSchema: unknown,
  value: unknown,
): CheckedInput<T> {
  const coerced = schema.safeParse(coercedInput(jsonSchema, value));
  if (coerced.success) return { ok: true, value: coerced.data };
  // Problems are reported for the input as the model wrote it.
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const { issues } = result.error;
  const lines = issues
    .slice(0, mostIssues)
    .map((issue) => `- ${pathOf(issue.path)}: ${issue.message}`);
  const more = issues.length > mostIssues ? [`- and ${issues.length - mostIssues} more`] : [];
  const problem = ["The input is wrong:", ...lines, ...more, "Correct this and call it again."];
  return { ok: false, problem: problem.join("\n") };
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "the input" : path.map(String).join(".");
}

/** A call's input as text for a reader. If it is nested too deep to be written, an ellipsis. */
export function inputText(input: unknown): string {
  return isNestedDeeper(input) ? "…" : (JSON.stringify(input) ?? "");
}
