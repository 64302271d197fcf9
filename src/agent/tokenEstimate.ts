// About how many tokens a call will hold, where no provider has told. Meant to be rather too high
// than too low for text, and never exact.
import type { LanguageModelV3FunctionTool } from "@ai-sdk/provider";
import type { HistoryMessage } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";
import { attachedPiece, attachedText, isSentAsImage } from "./attachedContent.js";
import { textWeight, weightPerToken } from "./textWeight.js";
import { inputText } from "./toolInput.js";

/** What providers count for a large image: Anthropic's most, and more than most others' usual. */
const tokensPerImage = 1600;
/** What stands around a message or a part on its way to a model. */
const tokensAround = 4;

/** The tokens of a text, about. */
export function textTokens(text: string): number {
  return Math.ceil(textWeight(text) / weightPerToken);
}

/** The tokens of a message, about, with all that is attached to it. */
export function messageTokens(message: HistoryMessage, supportsImages: boolean): number {
  return message.parts.reduce(
    (sum, part, index) =>
      sum + partTokens(part, message.attachmentData?.get(index), supportsImages) + tokensAround,
    tokensAround + circumstancesTokens(message),
  );
}

/** What of {@link messageTokens} is for what the model is told along with a message of the user. */
export function circumstancesTokens({ circumstances }: HistoryMessage): number {
  const { surroundings = "", newAgentsMd = "" } = circumstances ?? {};
  return textTokens(surroundings) + textTokens(newAgentsMd);
}

/** What of {@link messageTokens} is for images, where the model takes them. */
export function imageTokens({ parts, attachmentData }: HistoryMessage): number {
  const images = parts.filter(
    (part, index) =>
      part.type === "attachment" &&
      isSentAsImage(part.mimeType) &&
      attachmentData?.get(index) !== undefined,
  );
  return images.length * tokensPerImage;
}

/** The tokens of one part, about. `data` is what an attachment holds. */
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

/** A larger file is judged by samples: its text alone would take longer to decode than others wait. */
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
    // What is no text in one place is none.
    if (text === undefined) return 0;
    tokens += textTokens(text);
  }
  return Math.ceil((tokens / (length * samples)) * data.length);
}

const even = (value: number) => Math.floor(value / 2) * 2;

/** The tokens of the tools' descriptions, about. */
export function toolTokens(tools: readonly LanguageModelV3FunctionTool[]): number {
  return tools.length === 0 ? 0 : textTokens(JSON.stringify(tools));
}
