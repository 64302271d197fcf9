// A message's parts as the text that is stored. Whatever a model, a tool or a provider has put into
// them, there is such a text: what cannot be written is left out, and the rest stays.
import { isNestedDeeper } from "../base/jsonDepth.js";
import { cutText } from "../base/text.js";
import type { Part } from "../protocol/objects/message.js";

/** The longest text of a message's parts, in UTF-16 units; SQLite takes a billion bytes. */
const longestParts = 128 * 1024 * 1024;
/** What is left of a part in a message that is too long. */
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
  // Millions of parts: the first ones, and the last, which says how the message ended.
  const most = Math.floor(longestParts / (keptOfPart * 8));
  return `[${[...texts.slice(0, most), ...texts.slice(-1)].join(",")}]`;
}

/** The parts that a stored text tells; those that cannot be sent on are shortened as above. */
export function partsOf(text: string): Part[] {
  const parts = JSON.parse(text) as Part[];
  return parts.map((part) => (isNestedDeeper(part) ? (JSON.parse(shortened(part)) as Part) : part));
}

/** A part without what cannot be written, and its texts cut. Never throws. */
function shortened(part: Part): string {
  const kept = Object.entries(part).flatMap(([name, value]) => {
    // What a provider wants back is of use to it only as it was.
    if (name === "providerMetadata") return [];
    if (typeof value === "string") return [[name, cutText(value, keptOfPart)]];
    const isWritable = (jsonOf(value)?.length ?? keptOfPart) < keptOfPart && !isNestedDeeper(value);
    if (isWritable) return [[name, value]];
    return name === "input" ? [[name, leftOut]] : [];
  });
  return jsonOf(Object.fromEntries(kept)) ?? JSON.stringify({ type: "text", text: leftOut });
}

/** Undefined where there is no such JSON, or it would be longer than a string may be. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // A RangeError of the depth or the length, a TypeError of a circle or a BigInt, or a `toJSON`'s.
    return undefined;
  }
}
