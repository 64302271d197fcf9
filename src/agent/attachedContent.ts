// How an attached file is put before a model: images as images where it takes them, text as text,
// and anything else as a note that it was there.
import type { LanguageModelV3FilePart, LanguageModelV3TextPart } from "@ai-sdk/provider";
import { attachmentMark } from "../models/callNote.js";
import type { Part } from "../protocol/objects/message.js";

type AttachmentPart = Extract<Part, { type: "attachment" }>;

const sentImages = /^image\/(png|jpeg|gif|webp)$/;
const textTypes =
  /^(text\/.*|application\/(json|xml|yaml|x-yaml|toml|javascript|typescript|sql|x-sh)|image\/svg\+xml|.*\+(json|xml))$/;

/** The content that stands for an attachment in a user message. */
export function attachedContent(
  part: AttachmentPart,
  data: Uint8Array | undefined,
  supportsImages: boolean,
): LanguageModelV3TextPart | LanguageModelV3FilePart {
  const mimeType = part.mimeType.toLowerCase().split(";")[0]?.trim() ?? "";
  if (data === undefined) return note(part, "is no longer there");
  if (sentImages.test(mimeType)) {
    if (!supportsImages) return note(part, "cannot be shown: this model takes no images");
    return { type: "file", filename: part.name, mediaType: mimeType, data };
  }
  const text = decodedText(data, mimeType);
  if (text === undefined) return note(part, "cannot be shown: it is neither text nor an image");
  return marked(`<attachment name=${JSON.stringify(part.name)}>\n${text}\n</attachment>`);
}

function note(part: AttachmentPart, what: string): LanguageModelV3TextPart {
  return marked(
    `[The attached file "${part.name}" (${part.mimeType}, ${part.size} bytes) ${what}.]`,
  );
}

function marked(text: string): LanguageModelV3TextPart {
  return { type: "text", text, providerOptions: attachmentMark };
}

/** The bytes as text, if they are said to be text or look like it. */
function decodedText(data: Uint8Array, mimeType: string): string | undefined {
  if (textTypes.test(mimeType)) return new TextDecoder().decode(data);
  if (data.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    // Not UTF-8: not text.
    return undefined;
  }
}
