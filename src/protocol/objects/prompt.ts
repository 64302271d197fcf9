import * as z from "zod";

/** The longest text of a prompt, in bytes of UTF-8. It has more tokens than any model takes. */
export const mostPromptBytes = 10 * 1024 * 1024;

/** The text of a prompt (protocol.md section 4). */
export const promptText = () =>
  z.string().refine(isPromptLength, "is longer than 10 MiB").describe("At most 10 MiB of UTF-8.");

/** Whether a text is short enough to be a prompt. */
export function isPromptLength(text: string): boolean {
  // A UTF-16 unit has one to three bytes, so most texts need not be encoded.
  if (text.length > mostPromptBytes) return false;
  return text.length * 3 <= mostPromptBytes || bytesOf(text) <= mostPromptBytes;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
