// Finds the switch of a model that helps when its server refuses something. It looks at the words of the
// refusal.
import type { ModelSwitches } from "../config/types.js";

interface Refusal {
  readonly switch: keyof ModelSwitches;
  /** The value to set, as it is written in the configuration. */
  readonly value: string;
  readonly words: RegExp;
}

const no =
  "(?:not support|unsupported|not available|not enabled|not allowed|not permitted|unknown)";

/** The words of servers and models. The first entry that fits is used. */
const refusals: readonly Refusal[] = [
  {
    switch: "parallelToolCalls",
    value: "false",
    words:
      /parallel[_ ]tool[_ ](?:calls?|use)|single tool-?calls? at once|one tool call at a time/i,
  },
  {
    switch: "tools",
    value: "false",
    words: new RegExp(
      [
        "--enable-auto-tool-choice",
        "tools? param requires",
        "support tool use",
        String.raw`(?:not support|without support for) (?:tools?|functions?)\b`,
        String.raw`(?:tool|function)[ _-]?(?:s|use|calls?|calling|choice)?\W{0,3}.{0,30}\b(?:is|are) ${no}`,
        String.raw`${no} (?:parameter|field|argument)s?\W{1,4}(?:tools|functions|tool_choice)\b`,
      ].join("|"),
      "i",
    ),
  },
  {
    switch: "reasoningHistory",
    value: '"none"',
    words: /reasoning_content|reasoning_details/i,
  },
  {
    switch: "streamUsage",
    value: "false",
    words: /stream_options|include_usage/i,
  },
  {
    switch: "maxTokensField",
    value: '"max_completion_tokens"',
    words: /use \W{0,2}max_completion_tokens|'max_tokens' is not supported with this model/i,
  },
  {
    switch: "maxTokensField",
    value: '"max_tokens"',
    words: new RegExp(`max_completion_tokens.{0,40}${no}|${no}.{0,40}max_completion_tokens`, "i"),
  },
  {
    switch: "systemRole",
    value: '"user"',
    words: new RegExp(
      [
        `system (?:role|messages?|prompts?|instructions?) (?:is |are )?${no}`,
        `developer (?:role|messages?|instructions?) (?:is |are )?${no}`,
        String.raw`not support (?:the )?\W{0,2}(?:system|developer)\b`,
        "only user,? (?:and )?assistant",
        String.raw`(?:unexpected|invalid|unknown) role.{0,20}\b(?:system|developer)\b`,
        String.raw`\bsystem\b.{0,30}is not one of.{0,10}(?:user|assistant)`,
      ].join("|"),
      "i",
    ),
  },
  {
    switch: "reasoningEffort",
    value: "false",
    words: new RegExp(
      [
        "reasoning[_. ]?effort",
        "not support (?:thinking|reasoning)",
        `(?:thinking|reasoning)(?: level| budget| mode)? (?:is |are )?${no}`,
      ].join("|"),
      "i",
    ),
  },
  {
    switch: "sampling",
    value: "false",
    words: new RegExp(
      String.raw`\b(?:temperature|top_?p)\b.{0,60}(?:${no}|deprecated|cannot both)|(?:${no}|deprecated).{0,30}\b(?:temperature|top_?p)\b`,
      "i",
    ),
  },
  {
    switch: "emptyContent",
    value: '"text"',
    words:
      /content\b.{0,60}(?:got null|(?:must|can|should) ?not be null|is null|none is not an allowed|valid string|is required|field required|expected string)/i,
  },
];

const refusedStatus: ReadonlySet<number> = new Set([400, 404, 415, 422, 500, 501]);
/** The important words come early. Quotes from the conversation come after them. */
const longestLook = 2000;

/** The switches of a model. */
export interface Switchable {
  /** The switches that the type of its provider has. */
  readonly names: readonly string[];
  /** The switches that are set. */
  readonly set: ModelSwitches;
}

/**
 * The setting that helps after such an answer of a server, as it is written in the configuration.
 * Undefined if none helps, or if it is already set so.
 */
export function switchFor(
  status: number,
  words: string,
  switchable: Switchable | undefined,
): string | undefined {
  if (switchable === undefined || !refusedStatus.has(status)) return undefined;
  const { names, set } = switchable;
  const looked = words.slice(0, longestLook);
  const found = refusals.find(
    (refusal) => names.includes(refusal.switch) && refusal.words.test(looked),
  );
  if (found === undefined) return undefined;
  if (found.switch === "emptyContent" && set.emptyContent === "text") {
    return '"emptyContent": "omit"';
  }
  const isSet = JSON.stringify(set[found.switch]) === found.value;
  return isSet ? undefined : `"${found.switch}": ${found.value}`;
}
