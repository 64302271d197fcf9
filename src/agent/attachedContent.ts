// How an attached file is shown to a model: images as images if the model takes them, text as text,
// and everything else as a note.
import type { LanguageModelV3FilePart, LanguageModelV3TextPart } from "@ai-sdk/provider";
import { decodeText, markedEncoding, textIn } from "../base/decodeText.js";
import { imageKind } from "../base/imageKind.js";
import { taggedText } from "../base/taggedText.js";
import { attachmentMark } from "../models/callNote.js";
import type { Part } from "../protocol/objects/message.js";

type AttachmentPart = Extract<Part, { type: "attachment" }>;

const sentImages = /^image\/(png|jpeg|gif|webp)$/;
const textTypes =
  /^(text\/.*|application\/(json|xml|yaml|x-yaml|toml|javascript|typescript|sql|x-sh)|image\/svg\+xml|.*\+(json|xml))$/;

const neither = "it is neither text nor an image";

/**
 * How images are handled: the model takes them, it takes none, its provider refused one, or tools have
 * shown so many since that this one is left out.
 */
export type ImageUse = "taken" | "none" | "refused" | "leftOut";

/** The content that stands for an attachment in a user message. */
export function attachedContent(
  part: AttachmentPart,
  data: Uint8Array | undefined,
  images: ImageUse,
): LanguageModelV3TextPart | LanguageModelV3FilePart {
  if (data === undefined) return note(part, "is no longer there");
  if (isSentAsImage(part.mimeType)) {
    const reason = imageHindrance(part, data, images);
    if (reason !== undefined) return note(part, `cannot be shown: ${reason}`);
    return { type: "file", filename: part.name, mediaType: essenceOf(part.mimeType), data };
  }
  const text = attachedText(data, part.mimeType);
  if (text === undefined) return note(part, `cannot be shown: ${neither}`);
  return marked(taggedText("attachment", text, `name=${JSON.stringify(part.name)}`));
}

/** Why a model gets only a note about an attachment; undefined if the attachment is shown. */
export function hindranceOf(
  part: AttachmentPart,
  data: Uint8Array | undefined,
  images: ImageUse,
): string | undefined {
  if (data === undefined) return "it is no longer there";
  if (isSentAsImage(part.mimeType)) return imageHindrance(part, data, images);
  return attachedText(data, part.mimeType) === undefined ? neither : undefined;
}

function imageHindrance(
  { mimeType }: AttachmentPart,
  data: Uint8Array,
  images: ImageUse,
): string | undefined {
  if (images === "none") return "this model takes no images";
  if (images === "leftOut") return "tools have shown many others since";
  if (images === "refused") return "the provider refused it";
  if (data.length === 0) return "it is empty";
  const kind = imageKind(data);
  const isOther = kind !== undefined && kind !== essenceOf(mimeType);
  return isOther ? `it is ${kind}, not what its type says` : undefined;
}

/** Whether a file of this type goes to a model that takes images as an image. */
export function isSentAsImage(mimeType: string): boolean {
  return sentImages.test(essenceOf(mimeType));
}

/**
 * The text of an attached file, if it is said to be text or looks like it: decoded by its byte order
 * mark, else by the charset of its type, else as UTF-8.
 */
export function attachedText(data: Uint8Array, mimeType: string): string | undefined {
  if (!textTypes.test(essenceOf(mimeType))) return textIn(data);
  return decodeText(data, charsetOf(mimeType));
}

/**
 * Like {@link attachedText}, but only for the bytes from `from` to `to`: enough to judge a large
 * file. With even numbers, units of UTF-16 stay whole. A cut character of UTF-8 is left out.
 */
export function attachedPiece(
  data: Uint8Array,
  mimeType: string,
  from: number,
  to: number,
): string | undefined {
  const encoding = markedEncoding(data);
  const isText = textTypes.test(essenceOf(mimeType));
  if (encoding !== undefined || isText) {
    return decodeText(data.subarray(from, to), encoding ?? charsetOf(mimeType));
  }
  let start = from;
  while (start < from + 3 && ((data[start] ?? 0) & 0xc0) === 0x80) start++;
  return textIn(data.subarray(start, to), true);
}

/** A media type without its parameters. */
function essenceOf(mimeType: string): string {
  return mimeType.toLowerCase().split(";")[0]?.trim() ?? "";
}

function charsetOf(mimeType: string): string | undefined {
  for (const parameter of mimeType.split(";").slice(1)) {
    const [name = "", value = ""] = parameter.split("=");
    if (name.trim().toLowerCase() === "charset") return value.trim().replaceAll(/^["']|["']$/g, "");
  }
  return undefined;
}

function note(part: AttachmentPart, what: string): LanguageModelV3TextPart {
  return marked(
    `[The attached file "${part.name}" (${part.mimeType}, ${part.size} bytes) ${what}.]`,
  );
}

function marked(text: string): LanguageModelV3TextPart {
  return { type: "text", text, providerOptions: attachmentMark };
}
