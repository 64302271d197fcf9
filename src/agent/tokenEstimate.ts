// Estimates how many tokens a call has, if no provider has told. For text, the estimate is rather
// too high than too low. It is never exact.
import type { LanguageModelV3FunctionTool } from "@ai-sdk/provider";
import type { HistoryMessage } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";
import { attachedPiece, attachedText, isSentAsImage } from "./attachedContent.js";
import { textWeight, weightPerToken } from "./textWeight.js";
import { inputText } from "./toolInput.js";

/** The tokens for a large image: the maximum of Anthropic, and more than usual for most others. */
const tokensPerImage = 1600;
/** The tokens around a message or a part. */
const tokensAround = 4;

/** The approximate tokens of a text. */
export function textTokens(text: string): number {
  return Math.ceil(textWeight(text) / weightPerToken);
}

/** The approximate tokens of a message, with everything that is attached to it. */
export function messageTokens(message: HistoryMessage, supportsImages: boolean): number {
  return message.parts.reduce(
    (sum, part, index) =>
      sum + partTokens(part, message.attachmentData?.get(index), supportsImages) + tokensAround,
    tokensAround + circumstancesTokens(message),
  );
}

/** The part of {@link messageTokens} for the circumstances that are told with a user's message. */
export function circumstancesTokens({ circumstances }: HistoryMessage): number {
  const { surroundings = "", newAgentsMd = "" } = circumstances ?? {};
  return textTokens(surroundings) + textTokens(newAgentsMd);
}

/** The part of {@link messageTokens} for images, if the model takes them. */
export function imageTokens({ parts, attachmentData }: HistoryMessage): number {
  const images = parts.filter(
    (part, index) =>
      part.type === "attachment" &&
      isSentAsImage(part.mimeType) &&
      attachmentData?.get(index) !== undefined,
  );
  return images.length * tokensPerImage;
}

/** The approximate tokens of one part. `data` has the bytes of an attachment. */
export function partTokens(
  part: Part,
  data: Uint8Array | undefined,
  supportsImages: boolean,
): number {
  switch (part.type) {
    case "text":
    case "reasoning":
      return textTokens(part.text);
    case "toolCall":
      return textTokens(part.name) + textTokens(inputText(part.input));
    case "toolResult":
      return textTokens(part.output);
    case "attachment":
      return attachmentTokens(part, data, supportsImages);
    case "finish":
      return 0;
  }
}

function attachmentTokens(
  part: Extract<Part, { type: "attachment" }>,
  data: Uint8Array | undefined,
  supportsImages: boolean,
): number {
  const name = textTokens(part.name);
  if (data === undefined) return name;
  if (isSentAsImage(part.mimeType)) return name + (supportsImages ? tokensPerImage : 0);
  return name + attachedTextTokens(data, part.mimeType);
}

/**
 * A larger file is estimated by samples: decoding its whole text would block others for too long.
 */
const longestDecoded = 1_000_000;
const samples = 64;

function attachedTextTokens(data: Uint8Array, mimeType: string): number {
  if (data.length <= longestDecoded) return textTokens(attachedText(data, mimeType) ?? "");
  const length = even(longestDecoded / samples);
  const stride = even((data.length - length) / (samples - 1));
  let tokens = 0;
  for (let sample = 0; sample < samples; sample++) {
    const from = sample * stride;
    const text = attachedPiece(data, mimeType, from, from + length);
    // If a sample is no text, the file is no text.
    if (text === undefined) return 0;
    tokens += textTokens(text);
  }
  return Math.ceil((tokens / (length * samples)) * data.length);
}

const even = (value: number) => Math.floor(value / 2) * 2;

/** What was estimated for a tool, by its schema: that stays the same from turn to turn. */
const toolEstimates = new WeakMap<
  object,
  { readonly description: string; readonly tokens: number }
>();

/** The approximate tokens of the tools' descriptions. */
export function toolTokens(tools: readonly LanguageModelV3FunctionTool[]): number {
  return tools.reduce((sum, tool) => sum + tokensOfTool(tool), 0);
}

function tokensOfTool(tool: LanguageModelV3FunctionTool): number {
  const { inputSchema, description = "" } = tool;
  const known = toolEstimates.get(inputSchema);
  if (known?.description === description) return known.tokens;
  const tokens = textTokens(JSON.stringify(tool));
  toolEstimates.set(inputSchema, { description, tokens });
  return tokens;
}
