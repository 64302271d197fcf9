import type { Part } from "../protocol/objects/message.js";
import type { HistoryMessage, Prompt, TurnSink } from "./ports.js";

/** Stores what a user said, and gives it back as the model's history needs it. */
export function storeUserMessage(prompt: Prompt, sink: TurnSink): HistoryMessage {
  const message = userMessage(prompt);
  const writer = sink.createMessage(message);
  return { id: writer.id, ...message };
}

function userMessage(prompt: Prompt): Pick<HistoryMessage, "role" | "parts" | "attachmentData"> {
  // A prompt may be its attachments alone.
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
