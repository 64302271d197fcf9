/**
 * Makes text of other authors safe to show: nothing in it can move the cursor, be invisible, change
 * the reading order, or be pushed off the screen by blanks.
 */

/** Control characters that have a picture of their own. */
const pictures: Readonly<Record<string, string>> = { "\t": "⇥", "\r": "␍", "\u007f": "␡" };

/**
 * All characters that are invisible or look like others, except the plain blank and the line feed.
 */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is made visible.
  /[\u0000-\u0009\u000b-\u001f\u007f]|[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;
const runOfBlanks = / {8,}/g;
const lastBlanks = / +$/;

/** One whole line, with a mark instead of every invisible or misleading character. */
export function visibleLine(line: string): string {
  return line
    .replaceAll("\n", "⏎")
    .replace(unseen, markOf)
    .replace(runOfBlanks, ({ length }) => (length > 40 ? `␠×${length}` : "·".repeat(length)))
    .replace(lastBlanks, ({ length }) => "·".repeat(length));
}

/**
 * The lines of a text, each made by {@link visibleLine}. A text that ends with a line feed ends
 * with a mark.
 */
export function visibleLines(text: string): string[] {
  const lines = text.split("\n");
  return lines.map((line, n) => visibleLine(line) + (n < lines.length - 1 ? "⏎" : ""));
}

/**
 * What a terminal could take for an order, or what turns the reading order. Line feeds, tabs, and what
 * joins characters (in emoji and many scripts) stay.
 */
const orders =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A text of other authors to read: with a mark for all that could send the terminal an order. */
export function withoutOrders(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(orders, markOf);
}

function markOf(character: string): string {
  const picture = pictures[character];
  if (picture !== undefined) return picture;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return `\\u{${code.toString(16).toUpperCase().padStart(4, "0")}}`;
}
