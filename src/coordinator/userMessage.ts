// Makes the stored message of a user: the text, and then each attachment.
import type { HistoryMessage, Prompt } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";

/** The message of a prompt. A prompt may be its attachments alone. */
export function userMessage(
  prompt: Prompt,
): Pick<HistoryMessage, "role" | "parts" | "attachmentData"> {
  const words: Part[] = prompt.text === "" ? [] : [{ type: "text", text: prompt.text }];
  const files = prompt.attachments.map(
    ({ name, mimeType, data }): Part => ({
      type: "attachment",
      name,
      mimeType,
      size: data.byteLength,
    }),
  );
  const parts = [...words, ...files];
  if (files.length === 0) return { role: "user", parts };
  const attachmentData = new Map(
    prompt.attachments.map(({ data }, index) => [words.length + index, data]),
  );
  return { role: "user", parts, attachmentData };
}
