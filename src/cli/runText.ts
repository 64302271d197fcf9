/**
 * The reply as streaming text: only the assistant's text, with one newline at the end. Every
 * character comes once and in order, even if events were lost.
 */
import type { Message } from "../protocol/objects/message.js";
import type { LossyEvent } from "../protocol/registry.js";

export interface RunTextOptions {
  write(text: string): Promise<void>;
  /** Reads the stored message, to fill a gap. */
  getMessage(messageId: string): Promise<Message>;
}

export class RunText {
  readonly #options: RunTextOptions;
  /** How many UTF-16 units of each part were written, by message and index. */
  readonly #written = new Map<string, number>();
  /** Newlines that may be the last ones; then only one of them is written. */
  #heldNewlines = "";
  #hasWritten = false;
  #lastPart: string | undefined;

  constructor(options: RunTextOptions) {
    this.#options = options;
  }

  /** Takes one event; calls must not overlap. Rejects if a gap cannot be filled. */
  async take(event: LossyEvent): Promise<void> {
    if (event.method === "messageDelta" && event.params.kind === "text") {
      const { messageId, partIndex, offset, delta } = event.params;
      const written = this.#writtenOf(messageId, partIndex);
      if (offset > written) await this.#writeMessage(await this.#options.getMessage(messageId));
      else await this.#write(messageId, partIndex, delta.slice(written - offset));
    } else if (event.method === "messageUpdated") await this.#writeMessage(event.params.message);
  }

  /** Writes the missing rest of the last message, and the newline. */
  async finish(lastMessageId: string | undefined): Promise<void> {
    if (lastMessageId !== undefined) {
      await this.#writeMessage(await this.#options.getMessage(lastMessageId));
    }
    await this.end();
  }

  /** Writes only the newline. */
  async end(): Promise<void> {
    if (this.#hasWritten) await this.#options.write("\n");
    this.#hasWritten = false;
  }

  async #writeMessage({ id, role, parts }: Message): Promise<void> {
    if (role !== "assistant") return;
    for (const [index, part] of parts.entries()) {
      if (part.type === "text") {
        await this.#write(id, index, part.text.slice(this.#writtenOf(id, index)));
      }
    }
  }

  async #write(messageId: string, partIndex: number, text: string): Promise<void> {
    if (text === "") return;
    const key = keyOf(messageId, partIndex);
    this.#written.set(key, this.#writtenOf(messageId, partIndex) + text.length);
    if (this.#lastPart !== undefined && this.#lastPart !== key) this.#heldNewlines ||= "\n";
    this.#lastPart = key;
    // Without a regular expression: for a text with many line breaks, it would take quadratic time.
    let end = text.length;
    while (text[end - 1] === "\n") end--;
    const shown = text.slice(0, end);
    if (shown === "") {
      this.#heldNewlines += text;
      return;
    }
    const lead = this.#hasWritten ? this.#heldNewlines : "";
    this.#heldNewlines = text.slice(end);
    this.#hasWritten = true;
    await this.#options.write(lead + shown);
  }

  #writtenOf(messageId: string, partIndex: number): number {
    return this.#written.get(keyOf(messageId, partIndex)) ?? 0;
  }
}

function keyOf(messageId: string, partIndex: number): string {
  return `${messageId} ${partIndex}`;
}
