// What of a text is indexed (protocol.md section 3, `searchSessions`). The index cuts text at what is neither
// letter nor digit; scripts that put no blanks between words, and symbols, are cut into characters for it.
import { cutText } from "../base/text.js";

/** The most of one message, or of a title, that is indexed, in UTF-16 units. */
export const mostIndexed = 100_000;

/** What is a word by itself. */
export const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{So}]/gu;

/** A text as it is given to the index. */
export function indexedText(text: string): string {
  return cutText(text, mostIndexed).replaceAll("\0", " ").replace(unspaced, " $& ");
}
