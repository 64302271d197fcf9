// Decides which attachments are shown to the model of a turn, and warns about the others.
import type { HistoryMessage, TurnSink } from "../engine/engine.js";
import type { ModelFailure } from "../models/modelFailure.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { hindranceOf, type ImageUse, isSentAsImage } from "./attachedContent.js";
import type { Conversation } from "./conversation.js";

/** An attachment of a message in the history. */
interface Attached {
  readonly message: HistoryMessage;
  readonly index: number;
  readonly name: string;
}

/** Remembers what one model's provider has refused, in this turn and in earlier ones. */
export class AttachmentUse {
  readonly #info: ModelInfo;
  readonly #sink: Pick<TurnSink, "warn" | "refused">;
  readonly #model: string;
  /** The refusals of this turn: for each message, the indices of parts. */
  readonly #refused = new Map<string, Set<number>>();

  constructor(info: ModelInfo, sink: Pick<TurnSink, "warn" | "refused">) {
    this.#info = info;
    this.#sink = sink;
    this.#model = `${info.provider}/${info.id}`;
  }

  /** How the image in a part of a message is handled. */
  ofImage = ({ id, parts }: HistoryMessage, index: number): ImageUse => {
    if (!this.#info.supportsImages) return "none";
    const part = parts[index];
    const isKnown = part?.type === "attachment" && part.refusedBy?.includes(this.#model) === true;
    return isKnown || this.#refused.get(id)?.has(index) ? "refused" : "taken";
  };

  /** Warns about the attachments of a prompt that are not shown to the model. */
  said(message: HistoryMessage): void {
    for (const [index, part] of message.parts.entries()) {
      if (part.type !== "attachment") continue;
      const use = this.ofImage(message, index);
      const reason = hindranceOf(part, message.attachmentData?.get(index), use);
      if (reason !== undefined) this.#sink.warn(notShown(part.name, reason));
    }
  }

  /**
   * The provider has refused an image. The images of this turn are no longer shown. If it has none,
   * or was refused again, those of earlier turns are not shown either. This is noted on them for
   * later turns, with a warning. Returns whether any image had been shown.
   */
  refuse(
    { messages, turnStart }: Pick<Conversation, "messages" | "turnStart">,
    { message: told }: ModelFailure,
  ): boolean {
    const shown = messages.map((message) => this.#shownIn(message));
    const own = shown.slice(turnStart).flat();
    const refused = own.length > 0 ? own : shown.flat();
    for (const { message, index, name } of refused) {
      const indices = this.#refused.get(message.id) ?? new Set();
      this.#refused.set(message.id, indices.add(index));
      this.#sink.refused(message.id, index, this.#model);
      this.#sink.warn(notShown(name, `the provider refused it (${told})`));
    }
    return refused.length > 0;
  }

  #shownIn(message: HistoryMessage): readonly Attached[] {
    if (message.role !== "user") return [];
    return message.parts.flatMap((part, index) => {
      if (part.type !== "attachment" || !isSentAsImage(part.mimeType)) return [];
      const data = message.attachmentData?.get(index);
      const isShown = hindranceOf(part, data, this.ofImage(message, index)) === undefined;
      return isShown ? [{ message, index, name: part.name }] : [];
    });
  }
}

/** The warning that an attachment was not shown to the model. */
function notShown(name: string, reason: string): string {
  return `The attached file "${name.slice(0, 200)}" was not shown to the model: ${reason}.`;
}
