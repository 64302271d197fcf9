// Decides which attachments are shown to the model of a turn, and warns about the others.
import type { HistoryMessage, TurnSink } from "../engine/engine.js";
import type { ModelFailure } from "../models/modelFailure.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { hindranceOf, type ImageUse, isSentAsImage } from "./attachedContent.js";
import type { Conversation } from "./conversation.js";

const mostToolImages = 20;
const mostToolImageBytes = 16 * 1024 * 1024;
const leftOutAtOnce = 5;

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

  #leftOut: ReadonlySet<string> = new Set();

  /** How the image in a part of a message is handled. */
  ofImage = ({ id, parts }: HistoryMessage, index: number): ImageUse => {
    if (!this.#info.supportsImages) return "none";
    if (this.#leftOut.has(keyOf(id, index))) return "leftOut";
    const part = parts[index];
    const isKnown = part?.type === "attachment" && part.refusedBy?.includes(this.#model) === true;
    return isKnown || this.#refused.get(id)?.has(index) ? "refused" : "taken";
  };

  /**
   * How each image in these messages is handled. Of what tools have shown, the newest are sent: images
   * cost much, and providers refuse many. They are left out several at once, so that a prompt does not
   * change with every new one.
   */
  inPrompt(messages: readonly HistoryMessage[]): typeof this.ofImage {
    this.#leftOut = leftOutOf(messages);
    return this.ofImage;
  }

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
    if (message.role === "assistant") return [];
    return message.parts.flatMap((part, index) => {
      if (part.type !== "attachment" || !isSentAsImage(part.mimeType)) return [];
      const data = message.attachmentData?.get(index);
      const isShown = hindranceOf(part, data, this.ofImage(message, index)) === undefined;
      return isShown ? [{ message, index, name: part.name }] : [];
    });
  }
}

function keyOf(messageId: string, partIndex: number): string {
  return `${messageId} ${partIndex}`;
}

function leftOutOf(messages: readonly HistoryMessage[]): ReadonlySet<string> {
  const shown: { readonly key: string; readonly size: number }[] = [];
  for (const { role, id, parts, attachmentData } of messages) {
    if (role !== "tool") continue;
    // By index: this is done at each call for thousands of messages, almost all of them without one.
    for (let index = 0; index < parts.length; index++) {
      if (parts[index]?.type !== "attachment") continue;
      shown.push({ key: keyOf(id, index), size: attachmentData?.get(index)?.length ?? 0 });
    }
  }
  const bytesFrom = (start: number) => shown.slice(start).reduce((sum, { size }) => sum + size, 0);
  let start = 0;
  while (shown.length - start > mostToolImages || bytesFrom(start) > mostToolImageBytes) {
    start += leftOutAtOnce;
  }
  return new Set(shown.slice(0, start).map(({ key }) => key));
}

/** The warning that an attachment was not shown to the model. */
function notShown(name: string, reason: string): string {
  return `The attached file "${name.slice(0, 200)}" was not shown to the model: ${reason}.`;
}
