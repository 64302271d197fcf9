// Tells whether an agent has replayed a session to its end, as far as that can be known from what was said
// in it. ACP has a replay end before the answer to `session/load`; but some agents send it behind that.
import type { HistoryMessage } from "../engine/engine.js";
import { type Json, object } from "./reading.js";
import { textOf } from "./toolCallFields.js";

/** How much of the end of a reply is compared, in UTF-16 units: a replay may have many small chunks. */
const mostCompared = 2_000;

/** What a replay that is whole has at its end. */
export interface ReplayEnd {
  /** How many prompts it has at least. */
  readonly prompts: number;
  /** The end of the last reply. */
  readonly reply: string;
}

/**
 * The end of the replay of a session that knows these messages up to `upTo`. Undefined where it cannot be
 * known: the last message is no reply, or has no text.
 */
export function replayEndOf(
  history: readonly HistoryMessage[],
  upTo: string | undefined,
): ReplayEnd | undefined {
  const at = history.findIndex(({ id }) => id === upTo);
  const last = history[at];
  if (last?.role !== "assistant") return undefined;
  const said = last.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  const reply = said.trimEnd().slice(-mostCompared);
  const prompts = history.slice(0, at).filter(({ role }) => role === "user").length;
  return reply === "" ? undefined : { reply, prompts };
}

/** What was replayed so far. */
export class ReplayedSoFar {
  #prompts = 0;
  #isInPrompt = false;
  #reply = "";

  /** Takes an update of the replay. */
  take(update: Json): void {
    const isPrompt = update.sessionUpdate === "user_message_chunk";
    if (isPrompt) {
      // The blocks of one prompt follow each other.
      if (!this.#isInPrompt) this.#prompts += 1;
      this.#reply = "";
    }
    this.#isInPrompt = isPrompt;
    if (update.sessionUpdate !== "agent_message_chunk") return;
    this.#reply = (this.#reply + textOf(object(update.content))).slice(-2 * mostCompared);
  }

  /** Whether nothing is missing: every prompt was told, and behind the last one its reply to the end. */
  isWhole(end: ReplayEnd | undefined): boolean {
    if (end === undefined || this.#prompts < end.prompts) return false;
    return this.#reply.trimEnd().endsWith(end.reply);
  }
}
