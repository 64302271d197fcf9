import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { SharedTexts } from "./sharedTexts.js";

/** So many acknowledgements have one write together. */
const collectMs = 2000;
const betweenStepsMs = 50;
/** After an error. */
const laterMs = 10_000;
/** Beyond so many, texts stay twice until their completions are pruned. */
const mostWaiting = 10_000;
/** The last steps of a server that ends. */
const stepsAtEnd = 5;

/**
 * Lets acknowledged completions share their texts with their messages, a moment after they were
 * acknowledged, in small steps (protocol.md section 9).
 */
export class TextSharer {
  readonly #texts: SharedTexts;
  readonly #clock: Clock;
  readonly #log: Log;
  #waiting: string[] = [];
  #timer: Timer | undefined;

  constructor(texts: SharedTexts, clock: Clock, log: Log) {
    this.#texts = texts;
    this.#clock = clock;
    this.#log = log;
  }

  /** These completions were acknowledged. */
  acknowledged(completionIds: readonly string[]): void {
    const room = Math.max(0, mostWaiting - this.#waiting.length);
    this.#waiting.push(...completionIds.slice(0, room));
    if (this.#waiting.length > 0) this.#timer ??= this.#wait(collectMs);
  }

  #wait(ms: number): Timer {
    return this.#clock.after(ms, () => {
      const isDone = this.#step();
      this.#timer =
        this.#waiting.length > 0 ? this.#wait(isDone ? betweenStepsMs : laterMs) : undefined;
    });
  }

  /** False if it failed, and is to be tried again later. */
  #step(): boolean {
    try {
      this.#waiting = this.#waiting.slice(this.#texts.share(this.#waiting));
      return true;
    } catch (error) {
      // Also if another program holds the database: this is not urgent.
      this.#log.debug({ reason: messageOf(error) }, "texts are shared later");
      return false;
    }
  }

  /** Ends, after a few last steps. What is left stays twice until it is pruned. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let step = 0; step < stepsAtEnd && this.#waiting.length > 0; step++) {
      if (!this.#step()) return;
    }
  }
}
