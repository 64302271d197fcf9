// Repairs the messages of a run that a crash has ended, and of a turn that a fork has cut off, so that they
// are a valid history for a model: every tool call gets a result, and every assistant message an end. The
// messages are read one at a time. Damaged ones are not changed.
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { Ids } from "../base/ids.js";
import type { Part } from "../protocol/objects/message.js";
import type { MessageRow } from "../storage/messageRows.js";
import type { MessageStore } from "../storage/messageStore.js";
import { maxCompletionText } from "../storage/sharedTexts.js";
import { partsText, storedParts } from "./storedParts.js";

/** The text at the place where something was cut off. */
export const interruptedText = "The server stopped before this had ended.";
const forkedText = "The session was forked before this had ended.";

/** What a repair needs. */
export interface RepairOptions {
  readonly messages: MessageStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** The result of a repair. */
export interface Repaired {
  /** The last assistant message; its text is empty if it is damaged. */
  readonly reply?: { readonly id: string; readonly text: string };
  /** Whether any of the messages is damaged. */
  readonly isDamaged: boolean;
}

/** Repairs the messages of a run in a session. Call it inside the transaction that ends the run. */
export function repairMessages(options: RepairOptions, sessionId: string, run: number): Repaired {
  return repair(options, options.messages.ofRun(sessionId, run), { sessionId, run });
}

/** Repairs the last reply of a copied session. Call it in the transaction that makes the copy a session. */
export function closeCopy(options: RepairOptions, sessionId: string): void {
  repair(options, options.messages.fromLastReply(sessionId), { sessionId, text: forkedText });
}

function repair(
  { messages, clock, ids }: RepairOptions,
  rows: Iterable<MessageRow>,
  { sessionId, run, text = interruptedText }: { sessionId: string; run?: number; text?: string },
): Repaired {
  const now = clock.now();
  const calls = new OpenCalls(text);
  let reply: Repaired["reply"];
  let isDamaged = false;
  for (const row of rows) {
    const stored = storedParts(row.parts);
    const isReply = row.role === "assistant" && !row.isSummary;
    if ("damage" in stored) {
      messages.reportDamage(row.id, stored.damage);
      isDamaged = true;
      if (isReply) reply = { id: row.id, text: "" };
      continue;
    }
    const { parts } = stored;
    // What no run has is a copy, which is added to the search index by itself.
    if (calls.close(row, parts)) messages.update(row.id, partsText(parts), now, run !== undefined);
    if (isReply) reply = { id: row.id, text: textOf(parts) };
  }
  const missing = calls.missingResults();
  if (missing.length > 0) {
    messages.insert({
      id: ids.next("msg"),
      sessionId,
      run,
      role: "tool",
      parts: partsText(missing),
      model: undefined,
      provider: undefined,
      isSummary: false,
      createdAt: now,
    });
  }
  return { isDamaged, ...defined({ reply }) };
}

/** The tool calls of a run, message after message. */
class OpenCalls {
  /** The names of the calls without a result, by their ids. */
  readonly #unanswered = new Map<string, string>();
  /** The ids of the calls that were cut off. */
  readonly #cutOff = new Set<string>();
  readonly #text: string;

  /** `text` is put where something was cut off. */
  constructor(text: string) {
    this.#text = text;
  }

  /** Ends, in place, every part that was left open. Returns whether there was one. */
  close(row: Pick<MessageRow, "role">, parts: Part[]): boolean {
    let isChanged = false;
    for (const part of parts) {
      if (part.type === "toolCall" && this.#closeCall(part)) isChanged = true;
    }
    for (const part of parts) {
      if (part.type === "toolResult" && this.#closeResult(part)) isChanged = true;
    }
    if (row.role === "assistant" && parts.at(-1)?.type !== "finish") {
      parts.push({ type: "finish", reason: "error", message: this.#text });
      isChanged = true;
    }
    return isChanged;
  }

  #closeCall(part: Extract<Part, { type: "toolCall" }>): boolean {
    this.#unanswered.set(part.toolCallId, part.name);
    if (isFinal(part.state)) return false;
    part.state = "cancelled";
    this.#cutOff.add(part.toolCallId);
    return true;
  }

  #closeResult(part: Extract<Part, { type: "toolResult" }>): boolean {
    this.#unanswered.delete(part.toolCallId);
    if (!this.#cutOff.has(part.toolCallId)) return false;
    part.output += `${part.output === "" ? "" : "\n"}${this.#text}`;
    part.isError = true;
    return true;
  }

  /** Makes a result for every call that has none. */
  missingResults(): Part[] {
    return [...this.#unanswered].map(([toolCallId, name]) => ({
      type: "toolResult" as const,
      toolCallId,
      name,
      output: this.#text,
      isError: true,
    }));
  }
}

function isFinal(state: string): boolean {
  return state !== "streaming" && state !== "pending" && state !== "running";
}

/** A little more text than a completion takes, so that the outbox sees that it was cut. */
function textOf(parts: readonly Part[]): string {
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  return text.slice(0, maxCompletionText + 2);
}
