// Makes an editor's updates of a session's messages. Texts only grow there: what was sent of a part is
// remembered, and only what is missing is sent. Events may be lost, so a whole message can be shown
// again at any time (protocol.md section 6).
import type { SessionUpdate } from "@agentclientprotocol/sdk";
import type { FinishReason, Message, Part } from "../protocol/objects/message.js";
import type { NotificationParams } from "../protocol/registry.js";
import { ToolCallFeed } from "./toolCallFeed.js";

/** Sends an update of the session; resolves when it is written. */
export type Send = (update: SessionUpdate) => Promise<void>;

type TextKind = "text" | "reasoning";

/** What was sent of one part. */
interface SentText {
  readonly kind: TextKind;
  text: string;
}

/** What was sent of one message. */
interface SentMessage {
  readonly parts: Map<number, SentText>;
  /** Raised when a reply begins anew: an editor would add its text to that of the first. */
  edition: number;
}

/** The messages of one session, as they are told to its editor. */
export class MessageFeed {
  readonly #send: Send;
  readonly calls: ToolCallFeed;
  readonly #sent = new Map<string, SentMessage>();
  /** Whether a delta was missed since the last whole message. */
  #isBehind = false;
  #finish: FinishReason | undefined;

  constructor(send: Send, cwd: string, showsTerminals: boolean) {
    this.#send = send;
    this.calls = new ToolCallFeed(send, cwd, showsTerminals);
  }

  /** Whether something was lost that only whole messages can make good. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Why the newest assistant message ended. */
  get finish(): FinishReason | undefined {
    return this.#finish;
  }

  /** The messages of the present turn of which something was told. */
  get messageIds(): string[] {
    return [...this.#sent.keys()];
  }

  /** Forgets what a turn has sent: its messages do not change any more. */
  turnEnded(): void {
    this.#sent.clear();
    this.calls.turnEnded();
    this.#isBehind = false;
    this.#finish = undefined;
  }

  /** Events were dropped. */
  fallBehind(): void {
    this.#isBehind = true;
  }

  /** A message that is being made: everything of it that was not sent is sent. */
  async message(message: Message): Promise<void> {
    if (message.role === "user" || message.isSummary) return;
    await this.#whole(message);
  }

  /** A message of the past, with the user's own. */
  async replay(message: Message): Promise<void> {
    if (message.isSummary) return;
    if (message.role !== "user") return this.#whole(message);
    for (const part of message.parts) {
      const text = saidBy(part);
      if (text === undefined) continue;
      await this.#send({
        sessionUpdate: "user_message_chunk",
        content: { type: "text", text },
        messageId: message.id,
      });
    }
  }

  async #whole(message: Message): Promise<void> {
    const sent = this.#of(message.id);
    if (!isGrown(sent, message)) {
      sent.edition++;
      sent.parts.clear();
    }
    for (const [index, part] of message.parts.entries()) {
      if (part.type === "text" || part.type === "reasoning") {
        await this.#text(message.id, index, part.type, part.text);
      } else if (part.type === "finish") {
        this.#finish = part.reason;
      } else {
        await this.calls.part(message.id, index, part);
      }
    }
  }

  /** A delta; what does not join what was sent is left to the whole message. */
  async delta(params: NotificationParams<"messageDelta">): Promise<void> {
    const { messageId, partIndex, kind, offset, delta } = params;
    if (kind === "toolInput") return;
    if (kind === "toolOutput") return this.calls.output(messageId, partIndex, offset, delta);
    const sent = this.#of(messageId).parts.get(partIndex)?.text ?? "";
    if (offset > sent.length) {
      this.#isBehind = true;
      return;
    }
    await this.#more(messageId, partIndex, kind, delta.slice(sent.length - offset));
  }

  async #text(messageId: string, index: number, kind: TextKind, text: string): Promise<void> {
    const begun = this.#of(messageId).parts.get(index)?.text.length ?? 0;
    // A shorter text is an older one, and was sent.
    await this.#more(messageId, index, kind, text.slice(begun));
  }

  /** Sends what a part has grown by. A long text is not touched for it: it grows by many small pieces. */
  async #more(messageId: string, index: number, kind: TextKind, text: string): Promise<void> {
    if (text === "") return;
    const message = this.#of(messageId);
    const begun = message.parts.get(index)?.text ?? "";
    message.parts.set(index, { kind, text: begun + text });
    const edition = message.edition === 0 ? "" : `~${message.edition}`;
    await this.#send({
      sessionUpdate: kind === "text" ? "agent_message_chunk" : "agent_thought_chunk",
      content: { type: "text", text },
      messageId: `${messageId}${edition}`,
    });
  }

  #of(messageId: string): SentMessage {
    let message = this.#sent.get(messageId);
    if (message === undefined) {
      message = { parts: new Map(), edition: 0 };
      this.#sent.set(messageId, message);
    }
    return message;
  }
}

/** Whether a message goes on where what was sent of it ends; else its reply was begun anew. */
function isGrown(sent: SentMessage, message: Message): boolean {
  return [...sent.parts].every(([index, { kind, text }]) => {
    const part = message.parts[index];
    if (part?.type !== kind) return false;
    return part.text.startsWith(text) || text.startsWith(part.text);
  });
}

function saidBy(part: Part): string | undefined {
  if (part.type === "text") return part.text;
  if (part.type === "attachment") return `[${part.name}, ${part.mimeType}]`;
  return undefined;
}
