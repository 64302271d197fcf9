// The prompts of a session that are not answered yet: each is a run, with what was told of it. It only
// keeps and hands over. What must ask the server is done by the prompt itself: the messages of a server
// come one after the other, and an answer could never come to one that has to be handled first.
import { Deferred } from "../base/deferred.js";
import type { Message } from "../protocol/objects/message.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { MessageFeed, Send } from "./messageFeed.js";
import { OtherEnds } from "./otherEnds.js";

/** The most messages that are kept of turns that nobody watches; the last ones say the most. */
const mostUnseen = 100;

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
  #others: MessageFeed;
  /** Messages that came while no prompt was open, as they were last, by their ids. */
  readonly #unseen = new Map<string, Message>();
  /** Whether the turn of others is over, of which something is to be told yet. */
  #areOthersOver = false;
  /** The last message of the session when it was told as a whole. */
  #lastReplayed: string | undefined;
  readonly otherEnds: OtherEnds;

  constructor(newFeed: () => MessageFeed, send: Send) {
    this.#newFeed = newFeed;
    this.#others = newFeed();
    this.otherEnds = new OtherEnds(send);
  }

  /** How many prompts are open. */
  get count(): number {
    return this.#turns.size;
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
    const own = this.#turns.get(completion.runId ?? "");
    if (own === undefined) this.otherEnds.keep(completion, this.#isTold(completion.messageId));
    this.#areOthersOver = true;
    if (this.#unseen.size === 0) this.#forgetOthers();
    own?.end.resolve(completion);
  }

  #isTold(messageId: string | undefined): boolean {
    if (messageId === undefined) return false;
    const isTold = messageId === this.#lastReplayed || this.#unseen.has(messageId);
    return isTold || this.#others.messageIds.includes(messageId);
  }

  /** The whole session is about to be told. */
  forgetUnseen(): void {
    this.#unseen.clear();
    this.otherEnds.forget();
  }

  /** The whole session was told by this feed; what follows of a turn that runs goes on from there. */
  replayed(feed: MessageFeed, isBusy: boolean): void {
    this.#lastReplayed = feed.messageIds.at(-1);
    if (isBusy) this.#others = feed;
  }

  /** A message came that belongs to no prompt: it is told with the next one. */
  keepUnseen(message: Message): void {
    this.#unseen.delete(message.id);
    this.#unseen.set(message.id, message);
    const [oldest = ""] = this.#unseen.keys();
    if (this.#unseen.size > mostUnseen) this.#unseen.delete(oldest);
  }

  /** Tells the messages that came while no prompt was open, and how their turns ended. */
  async tellUnseen(): Promise<void> {
    const unseen = [...this.#unseen.values()];
    this.#unseen.clear();
    for (const message of unseen) await this.#others.message(message);
    if (this.#areOthersOver) this.#forgetOthers();
    await this.otherEnds.tell();
  }

  /** Events were dropped. */
  fallBehind(): void {
    for (const { turn } of this.#turns.values()) turn.feed.fallBehind();
  }

  #forgetOthers(): void {
    this.#others.turnEnded();
    this.#areOthersOver = false;
  }

  /** The session is given up: whoever waits for the end of a turn learns of it. */
  leave(reason: Error): void {
    for (const { end } of this.#turns.values()) end.reject(reason);
  }
}
