// Applies those switches of a model to a call that every type of provider has.
import type {
  LanguageModelV3CallOptions,
  LanguageModelV3Message,
  LanguageModelV3Prompt,
  LanguageModelV3TextPart,
  LanguageModelV3ToolResultPart,
} from "@ai-sdk/provider";
import type { ModelSwitches } from "../config/types.js";
import { withoutEffort } from "./callNote.js";

const noTools =
  "The model that answers now has no tools: it can only talk. Earlier calls of tools are shown as text.";

/** A call without the fields that the model's server refuses. */
export function applySwitches(
  options: LanguageModelV3CallOptions,
  { tools, sampling, reasoningEffort }: ModelSwitches,
): LanguageModelV3CallOptions {
  let applied = options;
  if (tools === false) {
    const { tools: _, toolChoice: __, ...rest } = applied;
    applied = { ...rest, prompt: withoutTools(options.prompt) };
  }
  if (sampling === false) {
    const { temperature: _, topP: __, topK: ___, ...rest } = applied;
    applied = rest;
  }
  return reasoningEffort === false ? withoutEffort(applied) : applied;
}

/** If a server takes no tools, it takes no calls in the history either. */
function withoutTools(prompt: LanguageModelV3Prompt): LanguageModelV3Prompt {
  return prompt.map((message): LanguageModelV3Message => {
    if (message.role === "system") {
      return { ...message, content: `${message.content}\n\n${noTools}` };
    }
    if (message.role === "tool") {
      const results = message.content.filter((part) => part.type === "tool-result");
      return { role: "user", content: results.map(resultAsText) };
    }
    if (message.role === "user") return message;
    const content = message.content.map((part) =>
      part.type === "tool-call"
        ? text(`[called the tool ${part.toolName} with ${JSON.stringify(part.input)}]`)
        : part,
    );
    return { ...message, content };
  });
}

function resultAsText({
  toolName,
  output,
}: LanguageModelV3ToolResultPart): LanguageModelV3TextPart {
  const value = "value" in output ? output.value : "";
  const said = typeof value === "string" ? value : JSON.stringify(value);
  return text(`[result of the tool ${toolName}]\n${said}`);
}

function text(said: string): LanguageModelV3TextPart {
  return { type: "text", text: said };
}
