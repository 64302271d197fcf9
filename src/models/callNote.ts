// What the agent tells its own model adapters about a call: a note in the call's provider options,
// under a name that no provider reads.

import type {
  LanguageModelV3CallOptions,
  LanguageModelV3Message,
  LanguageModelV3TextPart,
  SharedV3ProviderOptions,
} from "@ai-sdk/provider";
import { defined } from "../base/defined.js";

/** What a model call is for. */
export type CallPurpose = "turn" | "title" | "summary";

/** The note that goes along with a model call. */
export interface CallNote {
  readonly purpose: CallPurpose;
  /** Index of the first prompt message that belongs to the present turn. */
  readonly turnStart?: number;
  /** How many tool calls of the present turn a summary has replaced. */
  readonly summarisedCalls?: number;
  /** How much the model should reason, in the words of the configuration. */
  readonly reasoningEffort?: string;
}

const key = "turnwire";
const purposes: readonly string[] = ["title", "summary"];

/** The provider options that carry a note. */
export function noteOptions(note: CallNote): SharedV3ProviderOptions {
  return {
    [key]: {
      purpose: note.purpose,
      ...defined({
        turnStart: note.turnStart,
        summarisedCalls: note.summarisedCalls,
        reasoningEffort: note.reasoningEffort,
      }),
    },
  };
}

/** The note of a call. A call without a note belongs to a turn. */
export function readNote(options: LanguageModelV3CallOptions): CallNote {
  const { purpose, turnStart, summarisedCalls, reasoningEffort } =
    options.providerOptions?.[key] ?? {};
  return {
    purpose: isPurpose(purpose) ? purpose : "turn",
    ...defined({
      turnStart: typeof turnStart === "number" ? turnStart : undefined,
      summarisedCalls: typeof summarisedCalls === "number" ? summarisedCalls : undefined,
      reasoningEffort: typeof reasoningEffort === "string" ? reasoningEffort : undefined,
    }),
  };
}

/** A call without the wish for how much a model should reason. */
export function withoutEffort(options: LanguageModelV3CallOptions): LanguageModelV3CallOptions {
  const { reasoningEffort: _, ...note } = options.providerOptions?.[key] ?? {};
  return { ...options, providerOptions: { ...options.providerOptions, [key]: note } };
}

function isPurpose(value: unknown): value is CallPurpose {
  return typeof value === "string" && purposes.includes(value);
}

/** Marks a text part that stands for an attached file, not for words of the user. */
export const attachmentMark: SharedV3ProviderOptions = { [key]: { attachment: true } };

/** Marks a text part with the circumstances at the time of the user's message. */
export const circumstancesMark: SharedV3ProviderOptions = { [key]: { circumstances: true } };

/** Whether a text part holds words of the user, and not an attachment or circumstances. */
export function isUserText(part: LanguageModelV3TextPart): boolean {
  const { attachment, circumstances } = part.providerOptions?.[key] ?? {};
  return attachment !== true && circumstances !== true;
}

/** Who wrote a message of the history. */
export interface Maker {
  readonly provider: string;
  readonly model: string;
}

/** Marks a model's message with the model that wrote it. */
export function makerMark({ provider, model }: Maker): SharedV3ProviderOptions {
  return { [key]: { provider, model } };
}

/** Which model wrote a message; undefined if it is the model that is called. */
export function makerOf(message: LanguageModelV3Message): Maker | undefined {
  const { provider, model } = message.providerOptions?.[key] ?? {};
  if (typeof provider !== "string" || typeof model !== "string") return undefined;
  return { provider, model };
}
