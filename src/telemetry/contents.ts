// Messages in the form that the GenAI conventions give them (`gen_ai.input.messages` and others). They
// are told only where somebody has asked for it, and never whole where they are long.
import type { LanguageModelV3Message, LanguageModelV3Prompt } from "@ai-sdk/provider";

/** The longest attribute. A model's window holds more, and a collector takes no more. */
const longestAttribute = 128 * 1024;
/** The longest text of one part. */
const longestText = 16 * 1024;

type Part = Readonly<Record<string, unknown>>;

/** A text of a bounded length. */
export function bounded(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}…`;
}

/** A value as JSON of a bounded length. */
export function boundedJson(value: unknown): string {
  return bounded(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
}

/** What the model was told before the conversation. */
export function systemInstructions(prompt: LanguageModelV3Prompt): string | undefined {
  const parts = prompt.flatMap((message) =>
    message.role === "system" ? [{ type: "text", content: bounded(message.content) }] : [],
  );
  return parts.length === 0 ? undefined : JSON.stringify(parts);
}

/** The conversation that a model gets: the newest messages, as many as fit. */
export function inputMessages(prompt: LanguageModelV3Prompt): string {
  const told: string[] = [];
  let length = 0;
  for (const message of prompt.toReversed()) {
    if (message.role === "system") continue;
    const text = JSON.stringify({ role: message.role, parts: message.content.map(partOf) });
    length += text.length;
    if (length > longestAttribute) break;
    told.unshift(text);
  }
  return `[${told.join(",")}]`;
}

type Content = Exclude<LanguageModelV3Message, { role: "system" }>["content"][number];

function partOf(part: Content): Part {
  switch (part.type) {
    case "text":
    case "reasoning":
      return { type: part.type, content: bounded(part.text) };
    case "tool-call": {
      const { toolCallId: id, toolName: name, input } = part;
      return { type: "tool_call", id, name, arguments: boundedJson(input) };
    }
    case "tool-result": {
      const { output } = part;
      const response = "value" in output ? boundedJson(output.value) : output.type;
      return { type: "tool_call_response", id: part.toolCallId, response };
    }
    case "file":
      // Its bytes are left out: nobody reads them in a trace.
      return { type: "file", mime_type: part.mediaType, name: part.filename };
    default:
      return { type: part.type };
  }
}

/** A prompt as the only message. */
export function promptMessage(text: string): string {
  return JSON.stringify([{ role: "user", parts: [{ type: "text", content: bounded(text) }] }]);
}

/** A reply. */
export function outputMessage(parts: readonly Part[], finishReason: string): string {
  return JSON.stringify([{ role: "assistant", parts, finish_reason: finishReason }]);
}
