// The prompts of a session that are not answered yet: each is a run, with what was told of it. It only
// keeps and hands over. What must ask the server is done by the prompt itself: the messages of a server
// come one after the other, and an answer could never come to one that has to be handled first.
import { Deferred } from "../base/deferred.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { MessageFeed } from "./messageFeed.js";

/** A prompt that is not answered yet. */
export interface OpenTurn {
  readonly runId: string;
  readonly feed: MessageFeed;
  /** Resolves with the completion, behind everything else of the turn. */
  readonly ended: Promise<RunComplete>;
}

/** The turns whose prompts are open. */
export class OpenTurns {
  readonly #newFeed: () => MessageFeed;
  readonly #turns = new Map<string, { turn: OpenTurn; end: Deferred<RunComplete> }>();
  /** For the turns of others, such as one that an earlier window began. */
  readonly #others: MessageFeed;

  constructor(newFeed: () => MessageFeed) {
    this.#newFeed = newFeed;
    this.#others = newFeed();
  }

  /** Whether no prompt is open. */
  get isEmpty(): boolean {
    return this.#turns.size === 0;
  }

  /** A prompt is about to be sent. */
  begin(runId: string): OpenTurn {
    const end = new Deferred<RunComplete>();
    // The editor may leave before the prompt waits for its end, and then it fails with nobody waiting.
    end.promise.catch(() => {});
    const turn = { runId, feed: this.#newFeed(), ended: end.promise };
    this.#turns.set(runId, { turn, end });
    return turn;
  }

  /** The prompt is answered. */
  answered({ runId }: OpenTurn): void {
    this.#turns.delete(runId);
  }

  /** What tells the messages of a run. */
  feedOf(runId: string | undefined): MessageFeed {
    return this.#turns.get(runId ?? "")?.turn.feed ?? this.#others;
  }

  /** A run has ended. A session has one turn at a time, so whatever was told of others is over. */
  ended(completion: RunComplete): void {
    this.#others.turnEnded();
    this.#turns.get(completion.runId ?? "")?.end.resolve(completion);
  }

  /** Events were dropped. */
  fallBehind(): void {
    for (const { turn } of this.#turns.values()) turn.feed.fallBehind();
  }

  /** The session is given up: whoever waits for the end of a turn learns of it. */
  leave(reason: Error): void {
    for (const { end } of this.#turns.values()) end.reject(reason);
  }
}
