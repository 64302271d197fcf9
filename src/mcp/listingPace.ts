import { type Clock, sleep } from "../base/clock.js";

const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/**
 * Limits how often a server's tools are listed again: at once if the server was quiet for a minute,
 * else after a pause that doubles. Some servers report a change after each listing.
 */
export class ListingPace {
  readonly #clock: Clock;
  #listedAt = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the next listing may begin; rejects with the signal's reason. */
  async wait(signal: AbortSignal): Promise<void> {
    const since = this.#clock.now() - this.#listedAt;
    if (since >= longestPauseMs) this.#pauseMs = 0;
    else this.#pauseMs = Math.min(Math.max(firstPauseMs, this.#pauseMs * 2), longestPauseMs);
    if (this.#pauseMs > 0) await sleep(this.#clock, this.#pauseMs, signal);
    this.#listedAt = this.#clock.now();
  }
}
