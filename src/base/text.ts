/** The first `length` UTF-16 units of a text, never half a character. */
export function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, splitsPair ? length - 1 : length);
}

/** The last `length` UTF-16 units of a text, never half a character. */
export function cutTextStart(text: string, length: number): string {
  if (text.length <= length) return text;
  const start = text.length - length;
  const first = text.charCodeAt(start);
  const splitsPair = first >= 0xdc00 && first <= 0xdfff;
  return text.slice(splitsPair ? start + 1 : start);
}

/** A text without its middle if it is longer than `most` UTF-16 units; a note says what is missing. */
export function withoutMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = cutText(text, most / 2);
  const tail = cutTextStart(text, most / 2);
  const leftOut = formatCount(text.length - head.length - tail.length);
  return `${head}\n\n[${leftOut} characters are left out here]\n\n${tail}`;
}

/** A whole number that is not negative, for people: `1,234,567`. */
export function formatCount(count: number): string {
  // `toLocaleString` takes some milliseconds the first time, and the start of a server has one such text.
  const digits = String(Math.round(count));
  const groups: string[] = [];
  for (let end = digits.length; end > 0; end -= 3) {
    groups.unshift(digits.slice(Math.max(0, end - 3), end));
  }
  return groups.join(",");
}

/** A size in bytes for people. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}

/** A letter may carry endless marks, so a text has at most this many units for each character. */
const mostUnitsPerCharacter = 32;

/**
 * Cuts a text to at most `most` characters as a person counts them. An ellipsis, which counts too,
 * shows the cut. With `atWord`, the cut is moved back to a blank if there is one in the second
 * half.
 */
export function clipCharacters(
  text: string,
  most: number,
  options: { readonly atWord?: boolean } = {},
): string {
  if (text.length <= most) return text;
  const kept: string[] = [];
  // A flag, a family or a letter with its marks is one character of several code points.
  const looked = cutText(text, most * mostUnitsPerCharacter);
  const segments = new Intl.Segmenter().segment(looked);
  for (const { segment } of segments) {
    if (kept.length === most) {
      kept.pop();
      const cut = kept.join("");
      const lastSpace = options.atWord === true ? cut.lastIndexOf(" ") : -1;
      return `${lastSpace > cut.length / 2 ? cut.slice(0, lastSpace) : cut}…`;
    }
    kept.push(segment);
  }
  return looked.length < text.length ? `${looked}…` : text;
}

/** As much of the start of a text as fits into `bytes` of UTF-8, never half a character. */
export function cutBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}
