// Makes the stored text of a message's parts. It works for every content from a model, a tool or a
// provider: what cannot be written is left out, and the rest stays.
import { isNestedDeeper } from "../base/jsonDepth.js";
import { cutText } from "../base/text.js";
import type { Part } from "../protocol/objects/message.js";
import { mostReadableBytes } from "../storage/damage.js";

/** The longest text of a message's parts, in UTF-16 units, so that it can be read again. */
const longestParts = Math.min(128 * 1024 * 1024, Math.floor(mostReadableBytes / 3));
/** How much of a part is kept in a message that is too long. */
const keptOfPart = 64 * 1024;
const leftOut = "[It could not be stored.]";

/** The parts as JSON. Never throws. */
export function partsText(parts: readonly Part[]): string {
  const whole = jsonOf(parts);
  if (whole !== undefined && whole.length <= longestParts) return whole;
  const texts = parts.map((part) => {
    const text = jsonOf(part);
    return text !== undefined && text.length <= keptOfPart * 2 ? text : shortened(part);
  });
  const joined = `[${texts.join(",")}]`;
  if (joined.length <= longestParts) return joined;
  // There are millions of parts. The first ones are kept, and the last one, which tells how the
  // message ended.
  const most = Math.floor(longestParts / (keptOfPart * 8));
  return `[${[...texts.slice(0, most), ...texts.slice(-1)].join(",")}]`;
}

/** The result of reading a stored text: its parts, or why it has none. */
export type StoredParts = { readonly parts: Part[] } | { readonly damage: string };

/**
 * Reads the parts of a stored text. Parts that cannot be sent are shortened as above. The text is
 * damaged if it is missing, no JSON, or JSON of something else. Never throws.
 */
export function storedParts(text: string | undefined): StoredParts {
  if (text === undefined) return { damage: "its parts cannot be read" };
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    // The parser's message would quote private text.
    return { damage: "its parts are no JSON" };
  }
  if (!Array.isArray(parts) || !parts.every(isPart)) {
    return { damage: "its parts are not what a message has" };
  }
  return {
    parts: parts.map((part) =>
      isNestedDeeper(part) ? (JSON.parse(shortened(part)) as Part) : part,
    ),
  };
}

/** For each kind of part, the text members that are always present. */
const textsOfPart: Readonly<Record<Part["type"], readonly string[]>> = {
  text: ["text"],
  reasoning: ["text"],
  toolCall: ["toolCallId", "name", "state"],
  toolResult: ["toolCallId", "name", "output"],
  attachment: ["name", "mimeType"],
  finish: ["reason"],
};

function isPart(value: unknown): value is Part {
  if (typeof value !== "object" || value === null || !("type" in value)) return false;
  const { type } = value;
  if (typeof type !== "string" || !Object.hasOwn(textsOfPart, type)) return false;
  const members = value as Readonly<Record<string, unknown>>;
  return textsOfPart[type as Part["type"]].every((name) => typeof members[name] === "string");
}

/** The replacement for parts that cannot be read. */
export const damagedParts: readonly Part[] = [
  { type: "text", text: "" },
  { type: "finish", reason: "error", message: "This message is damaged and cannot be read." },
];

/** A part without what cannot be written, and its texts cut. Never throws. */
function shortened(part: Part): string {
  const kept = Object.entries(part).flatMap(([name, value]) => {
    // A provider's data is useful only unchanged.
    if (name === "providerMetadata") return [];
    if (typeof value === "string") return [[name, cutText(value, keptOfPart)]];
    const isWritable = (jsonOf(value)?.length ?? keptOfPart) < keptOfPart && !isNestedDeeper(value);
    if (isWritable) return [[name, value]];
    return name === "input" ? [[name, leftOut]] : [];
  });
  return jsonOf(Object.fromEntries(kept)) ?? JSON.stringify({ type: "text", text: leftOut });
}

/** Undefined if the value cannot be JSON, or if the JSON would be longer than a string may be. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // A RangeError of the depth or the length, a TypeError of a circle or a BigInt, or a `toJSON`'s.
    return undefined;
  }
}
