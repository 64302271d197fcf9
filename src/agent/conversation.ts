import type { HistoryMessage } from "../engine/engine.js";
import { KeptForms, keptForms } from "./keptForms.js";
import { clipped } from "./transcript.js";

/** How much of a request is shown to a summary, if the request itself stays in the conversation. */
const shownOfRequest = 4000;

/**
 * The messages that the model sees during a turn. New messages are added, and a summary replaces
 * earlier ones. The user's messages of this turn always stay, whole and with their attachments
 * (`protocol.md` section 4, Summaries).
 */
export class Conversation {
  /** What is kept of the messages before the turn, and of its own. */
  readonly kept: { readonly past: KeptForms; readonly own: KeptForms };
  #messages: HistoryMessage[];
  #turnStart: number;
  #summarisedCalls = 0;

  /** @param history the session's messages before the turn. */
  constructor(history: readonly HistoryMessage[]) {
    this.kept = { past: keptForms(history), own: new KeptForms() };
    this.#messages = [...history];
    this.#turnStart = history.length;
  }

  get messages(): readonly HistoryMessage[] {
    return this.#messages;
  }

  /** Index of the first message that belongs to the turn. */
  get turnStart(): number {
    return this.#turnStart;
  }

  /** How many tool calls of the turn a summary has replaced. */
  get summarisedCalls(): number {
    return this.#summarisedCalls;
  }

  /** The user's messages of this turn. */
  get requests(): readonly HistoryMessage[] {
    return this.#own.filter(({ role }) => role === "user");
  }

  add(...messages: readonly HistoryMessage[]): void {
    this.#messages.push(...messages);
  }

  /**
   * The messages that a summary would replace: those before the turn, and those of the turn so far.
   * The turn's requests stay; they are included in short form if they explain what was done. Empty
   * if there is nothing but an earlier summary and the requests.
   */
  summarisable(): readonly HistoryMessage[] {
    const past = this.#messages.slice(0, this.#turnStart);
    const hasWorked = this.#own.some(({ role }) => role !== "user");
    if (hasWorked) return [...past, ...this.#own.map(inShort)];
    return past.every(({ isSummary }) => isSummary) ? [] : past;
  }

  /** Replaces everything except the turn's requests by a summary. */
  summarised(summary: HistoryMessage): void {
    const parts = this.#own.flatMap((message) => message.parts);
    this.#summarisedCalls += parts.filter(({ type }) => type === "toolCall").length;
    this.#messages = [summary, ...this.requests];
    this.#turnStart = 1;
  }

  get #own(): readonly HistoryMessage[] {
    return this.#messages.slice(this.#turnStart);
  }
}

function inShort(message: HistoryMessage): HistoryMessage {
  if (message.role !== "user") return message;
  const { id, role, parts } = message;
  const short = parts.map((part) =>
    part.type === "text" ? { ...part, text: clipped(part.text, shownOfRequest) } : part,
  );
  return { id, role, parts: short };
}
