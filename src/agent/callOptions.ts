import type {
  LanguageModelV3CallOptions,
  LanguageModelV3FunctionTool,
  LanguageModelV3Prompt,
} from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import { type CallNote, noteOptions } from "../models/callNote.js";
import type { TurnModel } from "./turn.js";

/** The options of a model call, with the options that were chosen with the model. */
export function callOptions(
  model: TurnModel,
  prompt: LanguageModelV3Prompt,
  note: Omit<CallNote, "reasoningEffort">,
  tools: LanguageModelV3FunctionTool[] = [],
): LanguageModelV3CallOptions {
  const { maxTokens, reasoningEffort, temperature, topP } = model.selected;
  const maxOutputTokens = maxTokens ?? model.info.defaultMaxTokens;
  return {
    prompt,
    ...defined({
      tools: tools.length > 0 ? tools : undefined,
      maxOutputTokens,
      temperature,
      topP,
    }),
    providerOptions: noteOptions({
      ...note,
      ...defined({ reasoningEffort }),
    }),
  };
}
