// Declares text that was told already to be a thought. A model's stream has no event for this, so
// the end of the text says it.
import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";

const key = "turnwire";

/** The end of a text that was a thought. */
export function thoughtEnd(id: string): LanguageModelV3StreamPart {
  return { type: "text-end", id, providerMetadata: { [key]: { isThought: true } } };
}

/** Whether a part says that the text which it ends was a thought. */
export function endsThought(part: LanguageModelV3StreamPart): boolean {
  return part.type === "text-end" && part.providerMetadata?.[key]?.isThought === true;
}
