import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import type { ReplyReceiver } from "./modelCall.js";

/** Collects the text of a reply, for calls whose reply is no message of the conversation. */
export class TextReply implements ReplyReceiver {
  #pieces: string[] = [];

  get text(): string {
    return this.#pieces.join("");
  }

  part(part: LanguageModelV3StreamPart): void {
    if (part.type === "text-delta") this.#pieces.push(part.delta);
  }

  restart(): void {
    this.#pieces = [];
  }
}
