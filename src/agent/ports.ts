// What a turn needs from the house around it. The agent calls these and does not know who answers.
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { FinishReason, Message, Part } from "../protocol/objects/message.js";
import type { RunCause, Usage } from "../protocol/objects/run.js";

export type {
  PermissionNeed,
  Permissions,
  PermissionVerdict,
} from "../permissions/types.js";

/** Bytes that go along with a prompt, already read. */
export interface PromptAttachment {
  readonly name: string;
  readonly mimeType: string;
  readonly data: Uint8Array;
  /** The file that it was read from, as the client named it. */
  readonly path?: string;
}

/** What a user says. */
export interface Prompt {
  readonly text: string;
  readonly attachments: readonly PromptAttachment[];
}

/** A stored message as the model's history needs it: with the bytes of its attachments. */
export interface HistoryMessage extends Pick<Message, "id" | "role" | "parts" | "isSummary"> {
  /** By the index of their `attachment` part. */
  readonly attachmentData?: ReadonlyMap<number, Uint8Array>;
}

/** What a new message begins with. */
export interface NewMessage {
  readonly role: Message["role"];
  readonly parts?: readonly Part[];
  readonly model?: string;
  readonly provider?: string;
  readonly isSummary?: boolean;
  /** By the index of their `attachment` part. */
  readonly attachmentData?: ReadonlyMap<number, Uint8Array>;
}

/**
 * A message being written. Every call is synchronous and tells whoever watches; what is appended
 * reaches the disk in batches, at most 250 ms later and at each part's end.
 */
export interface MessageWriter {
  readonly id: string;
  /** The parts as they are now. */
  readonly parts: readonly Part[];
  /** Adds a part and returns its index. */
  addPart(part: Part): number;
  /**
   * Appends streamed text to a part: to the text of `text` and `reasoning`, to the input (a string
   * while the call's state is `streaming`) of `toolCall`, to the output of `toolResult`.
   */
  append(index: number, delta: string): void;
  /** Replaces a part by its next or final form; stored before it returns. */
  setPart(index: number, part: Part): void;
  /** Takes back every part from `index` on: a retried call starts its streamed part afresh. */
  truncateParts(index: number): void;
  /** Adds the `finish` part; stored before it returns. The message takes nothing after it. */
  finish(reason: FinishReason, message?: string): void;
}

/** Where a turn's doings go. Every call is synchronous. */
export interface TurnSink {
  /** Stores a message and tells whoever watches. */
  createMessage(message: NewMessage): MessageWriter;
  /** Adds to the session's totals and the turn's. */
  addUsage(usage: Usage): void;
  /**
   * Takes the queued prompts that join the turn at its next model call, oldest first (contract
   * section 4, Queue). Called right before each model call, the first too; the loop stores them as
   * user messages.
   */
  takeFolded(): readonly Prompt[];
  /** Makes a stored summary the beginning of the model's history. */
  setSummary(messageId: string): void;
}

/** A session that belongs to a turn of another: its messages are part of that turn. */
export interface ChildSession {
  readonly sessionId: string;
  /** What it uses counts for both sessions. No prompt ever joins it. */
  readonly sink: TurnSink;
}

/** How a turn ended. */
export interface TurnOutcome {
  readonly status: "succeeded" | "failed" | "cancelled";
  /** The last assistant message. */
  readonly messageId?: string;
  /** The text of that message. */
  readonly text: string;
  /** Set when failed: for a person, for a program, and what is to blame. */
  readonly error?: string;
  readonly errorName?: string;
  readonly cause?: RunCause;
}

/** Time, ids and the log, as every part of the agent gets them. */
export interface AgentSurroundings {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}
