import type { HistoryMessage } from "../engine/engine.js";
import { clipped } from "./transcript.js";

/** What a summary is shown of a request that stays in the conversation word for word. */
const shownOfRequest = 4000;

/**
 * What the model gets to see of a session while a turn runs. It grows by what is said, and shrinks
 * when a summary takes the place of what came before; what the user says in this turn always stays,
 * whole and with its attachments (`protocol.md` section 4, Summaries).
 */
export class Conversation {
  #messages: HistoryMessage[];
  #turnStart: number;
  #summarisedCalls = 0;

  /** @param history the session's messages before the turn. */
  constructor(history: readonly HistoryMessage[]) {
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

  /** Tool calls of the turn that a summary has taken the place of. */
  get summarisedCalls(): number {
    return this.#summarisedCalls;
  }

  /** What the user said in this turn. */
  get requests(): readonly HistoryMessage[] {
    return this.#own.filter(({ role }) => role === "user");
  }

  add(...messages: readonly HistoryMessage[]): void {
    this.#messages.push(...messages);
  }

  /**
   * What a summary would take the place of: what came before the turn, and what the turn has done so
   * far. The turn's requests, which stay, are shown in short where they explain what was done. Empty
   * where nothing but an earlier summary and the requests is left.
   */
  summarisable(): readonly HistoryMessage[] {
    const past = this.#messages.slice(0, this.#turnStart);
    const hasWorked = this.#own.some(({ role }) => role !== "user");
    if (hasWorked) return [...past, ...this.#own.map(inShort)];
    return past.every(({ isSummary }) => isSummary) ? [] : past;
  }

  /** A summary takes the place of all but the turn's requests. */
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
