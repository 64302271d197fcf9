import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import { endsThought } from "../models/thoughtMark.js";
import type { ReplyReceiver } from "./modelCall.js";

const thoughts = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"],
] as const;

/** Collects the text of a reply, for calls whose reply is no message of the conversation. */
export class TextReply implements ReplyReceiver {
  #pieces: string[] = [];
  #hasToolCall = false;

  /** The whole text. */
  get text(): string {
    return this.#pieces.join("");
  }

  /** The reply itself: without the thoughts that some local models write first, and trimmed. */
  get said(): string {
    let text = this.text.trim();
    for (const [begin, end] of thoughts) {
      if (!text.startsWith(begin)) continue;
      const over = text.indexOf(end);
      text = over < 0 ? "" : text.slice(over + end.length).trim();
    }
    return text;
  }

  get hasToolCall(): boolean {
    return this.#hasToolCall;
  }

  part(part: LanguageModelV3StreamPart): void {
    if (part.type === "text-delta") this.#pieces.push(part.delta);
    if (endsThought(part)) this.#pieces = [];
    if (part.type === "tool-call" || part.type === "tool-input-start") this.#hasToolCall = true;
  }

  restart(): void {
    this.#pieces = [];
    this.#hasToolCall = false;
  }
}
