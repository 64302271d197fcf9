/** The most text that a completion carries, in UTF-16 units; `getMessage` has the whole. */
export const maxCompletionText = 1024 * 1024;

/** The text of a completion, cut where it is too long for one. */
export function completionText(text: string): { text: string; textTruncated?: true } {
  if (text.length <= maxCompletionText) return { text };
  // Not between the two halves of a character outside the basic plane.
  const last = text.charCodeAt(maxCompletionText - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? maxCompletionText - 1 : maxCompletionText;
  return { text: text.slice(0, end), textTruncated: true };
}
