import { toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { MessageWriter } from "../engine/engine.js";
import type { FinishReason, Message, Part } from "../protocol/objects/message.js";
import type { NotificationParams } from "../protocol/registry.js";
import type { StreamedPiece } from "../storage/streamedText.js";

/** The event for streamed text of a message. */
export type Delta = Pick<
  NotificationParams<"messageDelta">,
  "messageId" | "partIndex" | "kind" | "offset" | "delta"
>;

/** The receiver of a message's changes. */
export interface MessageOutlet {
  now(): number;
  /** Stores the bytes of an attachment. */
  attached(messageId: string, partIndex: number, data: Uint8Array): void;
  /** The message has changed and must reach the disk: at once, or with the next batch. */
  store(recorder: MessageRecorder, when: "now" | "soon"): void;
  updated(message: Message): void;
  streamed(delta: Delta): void;
}

/** One message while a turn writes it. */
export class MessageRecorder implements MessageWriter {
  readonly #outlet: MessageOutlet;
  readonly #head: Omit<Message, "parts" | "updatedAt">;
  readonly #parts: Part[];
  readonly #attachmentData: Map<number, Uint8Array>;
  #updatedAt: number;
  #isFinished = false;
  /** Undefined while the message must be stored as a whole. */
  #appended: StreamedPiece[] | undefined;

  constructor(
    head: Omit<Message, "parts" | "updatedAt">,
    parts: readonly Part[],
    outlet: MessageOutlet,
    attachmentData: ReadonlyMap<number, Uint8Array> = new Map(),
  ) {
    this.#outlet = outlet;
    this.#head = head;
    this.#parts = [...parts];
    this.#attachmentData = new Map(attachmentData);
    this.#updatedAt = outlet.now();
  }

  get id(): string {
    return this.#head.id;
  }

  get parts(): readonly Part[] {
    return this.#parts;
  }

  get updatedAt(): number {
    return this.#updatedAt;
  }

  /** Whether it takes nothing more. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** The text since the message was stored; undefined if it has changed otherwise. */
  get appended(): readonly StreamedPiece[] | undefined {
    return this.#appended;
  }

  /** What it is now is stored. */
  wasStored(): void {
    this.#appended = [];
  }

  /** The message as it is now; later changes do not reach it. */
  snapshot(): Message {
    return {
      ...this.#head,
      parts: this.#parts.map((part) => ({ ...part })),
      updatedAt: toRfc3339(this.#updatedAt),
    };
  }

  addPart(part: Part): number {
    const index = this.#parts.push({ ...part }) - 1;
    this.#changed("soon");
    // The first delta of an empty text part announces the part.
    if (!("text" in part) || part.text !== "") this.#tell();
    return index;
  }

  get attachmentData(): ReadonlyMap<number, Uint8Array> {
    return this.#attachmentData;
  }

  attach(part: Extract<Part, { type: "attachment" }>, data: Uint8Array): void {
    const index = this.#parts.length;
    this.#outlet.attached(this.id, index, data);
    this.#attachmentData.set(index, data);
    this.addPart(part);
  }

  append(index: number, delta: string): void {
    if (delta === "") return;
    const part = this.#part(index);
    const { kind, offset } = appendTo(part, delta);
    this.#note({ partIndex: index, offset, text: delta });
    this.#outlet.store(this, "soon");
    this.#outlet.streamed({ messageId: this.id, partIndex: index, kind, offset, delta });
  }

  setPart(index: number, part: Part): void {
    const before = this.#part(index);
    this.#parts[index] = { ...part };
    this.#changed(isForLater(before, part) ? "soon" : "now");
    this.#tell();
  }

  truncateParts(index: number): void {
    if (index >= this.#parts.length) return;
    this.#parts.length = index;
    this.#changed("soon");
    this.#tell();
  }

  finish(reason: FinishReason, message?: string): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#parts.push({ type: "finish", reason, ...defined({ message }) });
    // The last message of a turn is written together with the turn's outcome, in one commit.
    this.#changed("soon");
    this.#tell();
  }

  #part(index: number): Part {
    const part = this.#parts[index];
    if (part === undefined || this.#isFinished) {
      throw new RangeError(`message ${this.id} takes nothing at part ${index}`);
    }
    return part;
  }

  #note(piece: StreamedPiece): void {
    this.#updatedAt = this.#outlet.now();
    const last = this.#appended?.at(-1);
    if (last?.partIndex !== piece.partIndex) this.#appended?.push(piece);
    else this.#appended?.splice(-1, 1, { ...last, text: last.text + piece.text });
  }

  #changed(when: "now" | "soon"): void {
    this.#updatedAt = this.#outlet.now();
    this.#appended = undefined;
    this.#outlet.store(this, when);
  }

  #tell(): void {
    this.#outlet.updated(this.snapshot());
  }
}

/**
 * Whether the change of a part may wait for the next batch. After a crash it must be known what a tool was
 * about to do, or has done. A call that the model has just written has done nothing yet: before it runs, its
 * state changes again.
 */
function isForLater(before: Part, after: Part): boolean {
  if (after.type === "toolResult") return false;
  if (after.type !== "toolCall") return true;
  return before.type === "toolCall" && before.state === "streaming" && after.state === "pending";
}

function appendTo(part: Part, delta: string): Pick<Delta, "kind" | "offset"> {
  switch (part.type) {
    case "text":
    case "reasoning": {
      const offset = part.text.length;
      part.text += delta;
      return { kind: part.type, offset };
    }
    case "toolCall": {
      const before = typeof part.input === "string" ? part.input : "";
      part.input = before + delta;
      return { kind: "toolInput", offset: before.length };
    }
    case "toolResult": {
      const offset = part.output.length;
      part.output += delta;
      return { kind: "toolOutput", offset };
    }
    case "attachment":
    case "finish":
      throw new TypeError(`a part of type ${part.type} does not stream`);
  }
}
