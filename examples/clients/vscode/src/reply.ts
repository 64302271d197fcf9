/** Shows one run in the chat: its text as it comes, its tools, and how it ended. */
import type { LossyEvent, Result, RunComplete } from "turnwire/client";
import type * as vscode from "vscode";

type Message = Result<"getMessage">;

export class Reply {
  readonly #stream: vscode.ChatResponseStream;
  readonly #read: (messageId: string) => Promise<Message>;
  /** What is shown of each part of a message, and of each message. */
  readonly #parts = new Map<string, number>();
  readonly #texts = new Map<string, string>();
  readonly #tools = new Set<string>();

  constructor(stream: vscode.ChatResponseStream, read: (messageId: string) => Promise<Message>) {
    this.#stream = stream;
    this.#read = read;
  }

  /** Shows what an event adds. */
  async show(event: LossyEvent): Promise<void> {
    if (event.method === "messageDelta" && event.params.kind === "text") {
      const { messageId, partIndex, offset, delta } = event.params;
      const shown = this.#parts.get(`${messageId} ${partIndex}`) ?? 0;
      // If a delta was lost, the message has all of the text.
      if (offset > shown) await this.#showMessage(messageId);
      else this.#add(messageId, partIndex, delta.slice(shown - offset));
    }
    if (event.method === "messageUpdated") {
      for (const part of event.params.message.parts) {
        if (part.type === "toolCall" && part.state === "running") this.#showTool(part);
      }
    }
  }

  /** Shows what events did not show: they may be lost, and a completion never is. */
  finish({ status, text, messageId, error }: RunComplete): vscode.ChatResult {
    const shown = this.#texts.get(messageId ?? "") ?? "";
    if (text.startsWith(shown)) this.#stream.markdown(text.slice(shown.length));
    // A very long text is cut in a completion.
    else if (!shown.startsWith(text)) this.#stream.markdown(`\n\n${text}`);
    if (status === "succeeded") return {};
    return { errorDetails: { message: error ?? `The run was ${status}.` } };
  }

  async #showMessage(messageId: string): Promise<void> {
    const { parts } = await this.#read(messageId);
    for (const [index, part] of parts.entries()) {
      const shown = this.#parts.get(`${messageId} ${index}`) ?? 0;
      if (part.type === "text") this.#add(messageId, index, part.text.slice(shown));
    }
  }

  #add(messageId: string, partIndex: number, text: string): void {
    if (text === "") return;
    const key = `${messageId} ${partIndex}`;
    // Each part is a paragraph of its own.
    const isFirst = this.#parts.size === 0;
    if (!isFirst && !this.#parts.has(key)) this.#stream.markdown("\n\n");
    this.#parts.set(key, (this.#parts.get(key) ?? 0) + text.length);
    this.#texts.set(messageId, (this.#texts.get(messageId) ?? "") + text);
    this.#stream.markdown(text);
  }

  #showTool({ toolCallId, name }: { toolCallId: string; name: string }): void {
    if (this.#tools.has(toolCallId)) return;
    this.#tools.add(toolCallId);
    this.#stream.progress(`${name} …`);
  }
}
