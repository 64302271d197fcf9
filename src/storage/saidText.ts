// What a stored message says. Of a message of megabytes only as much is read as the index takes: to read
// all of it would keep everything else waiting.
import { mostIndexed } from "./indexedText.js";

/** Parts of no more than this are read as they are, in UTF-16 units. */
const mostParsed = 512 * 1024;
/** How a part begins that is text: its members are stored in the order in which they are declared. */
const textBegin = '{"type":"text","text":"';
/** As much of a stored text as holds what is indexed: a character may be written as `\u0000`. */
const mostTaken = mostIndexed * 6;

const [quote, backslash] = [0x22, 0x5c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

/** What the parts say that a message has; nothing where they cannot be read. */
export function saidText(parts: string): string {
  if (parts.length <= mostParsed) return textOf(parts);
  const texts: string[] = [];
  let length = 0;
  for (const part of shortParts(parts)) {
    const text = textOf(`[${part}]`);
    if (text !== "") texts.push(text);
    length += text.length;
    if (length >= mostIndexed) break;
  }
  return texts.join("\n");
}

function textOf(parts: string): string {
  let list: unknown;
  try {
    list = JSON.parse(parts);
  } catch {
    return "";
  }
  if (!Array.isArray(list)) return "";
  return list
    .flatMap((part: unknown) => {
      const { type, text } = { type: undefined, text: undefined, ...(part as object) };
      return type === "text" && typeof text === "string" ? [text] : [];
    })
    .join("\n");
}

/** The parts that are short, and the beginnings of the texts that are long. */
function* shortParts(parts: string): Generator<string> {
  for (let start = 1; start < parts.length; ) {
    const isText = parts.startsWith(textBegin, start);
    if (isText) {
      const from = start + textBegin.length;
      yield `${parts.slice(start, endOfString(parts, from, from + mostTaken))}"}`;
    }
    const end = endOfPart(parts, start);
    if (!isText && end - start <= mostParsed) yield parts.slice(start, end);
    // A comma, or the end of all.
    start = end + 1;
  }
}

/** Where a string ends whose characters begin at `from`, or where it can be cut, at `most` or soon after. */
function endOfString(text: string, from: number, most: number): number {
  let at = from;
  while (at < text.length && at < most) {
    const unit = text.charCodeAt(at);
    if (unit === quote) break;
    if (unit !== backslash) at++;
    else at += text[at + 1] === "u" ? 6 : 2;
  }
  return at;
}

/** Behind the array or object that begins at `start`. */
function endOfPart(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) at = endOfString(text, at + 1, text.length);
    else if (unit === openBracket || unit === openBrace) depth++;
    else if (unit === closeBracket || unit === closeBrace) depth--;
    if (depth <= 0) return at + 1;
  }
  return text.length;
}
