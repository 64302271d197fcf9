// How turns ended that no prompt of this window waited for: those of an earlier window, which a daemon or
// the next server has ended. Each is told once, by `session/load` or with the next prompt, and counts as
// received like every other completion, when the answer that tells it has (protocol.md section 14).
import type { SessionUpdate } from "@agentclientprotocol/sdk";
import type { RunComplete } from "../protocol/objects/run.js";
import { metaOf, sentenceOf } from "./turnEnd.js";

/** The ends of one session that wait to be told, or to be answered for. */
export class OtherEnds {
  readonly #send: (update: SessionUpdate) => Promise<void>;
  readonly #waiting = new Map<string, { completion: RunComplete; isReplyKnown: boolean }>();
  /** Every completion that was told here: what comes again is not told again. */
  readonly #told = new Set<string>();
  /** Told since the last answer. */
  #unanswered: string[] = [];

  constructor(send: (update: SessionUpdate) => Promise<void>) {
    this.#send = send;
  }

  /** A turn has ended. `isReplyKnown` says whether its last message was told here, or is about to be. */
  keep(completion: RunComplete, isReplyKnown: boolean): void {
    if (this.#told.has(completion.completionId)) return;
    this.#waiting.set(completion.completionId, { completion, isReplyKnown });
  }

  /** The whole session is about to be told, with every end that nobody has received. */
  forget(): void {
    this.#waiting.clear();
  }

  /** Tells the ends of a session that was told as a whole; its answer answers for them. */
  async tellReplayed(completions: readonly RunComplete[]): Promise<void> {
    for (const completion of completions) {
      this.#waiting.delete(completion.completionId);
      await this.#tell(completion, textOf(completion));
    }
  }

  /** Tells the ends that wait; the next answer answers for them. */
  async tell(): Promise<void> {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { completion, isReplyKnown } of waiting) {
      this.#unanswered.push(completion.completionId);
      await this.#tell(completion, lateTextOf(completion, isReplyKnown));
    }
  }

  /** The completions that the answer tells which is sent now. */
  takeUnanswered(): string[] {
    return this.#unanswered.splice(0);
  }

  async #tell(completion: RunComplete, text: string | undefined): Promise<void> {
    this.#told.add(completion.completionId);
    const _meta = metaOf(completion);
    if (text === undefined) return this.#send({ sessionUpdate: "session_info_update", _meta });
    await this.#send({
      sessionUpdate: "agent_message_chunk",
      content: { type: "text", text },
      messageId: completion.completionId,
      _meta,
    });
  }
}

/** A turn that succeeded has its reply in the messages; every other end is said. */
function textOf(completion: RunComplete): string | undefined {
  return completion.status === "succeeded" ? undefined : sentenceOf(completion);
}

/** The same in the middle of a conversation, where nothing else says which turn it is about. */
function lateTextOf(completion: RunComplete, isReplyKnown: boolean): string | undefined {
  const text = textOf(completion);
  if (text !== undefined) return `About an earlier prompt: ${text}\n\n`;
  // A window that was given the reply before this one has shown it.
  if (isReplyKnown || completion.attempt > 1 || completion.text === "") return undefined;
  return `The reply to an earlier prompt:\n\n${completion.text}\n\n`;
}
