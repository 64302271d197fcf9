import { afterAwake } from "./awakeTime.js";
import type { Clock, Timer } from "./clock.js";

/** If only signs of life come, the watch waits for this many times its limit. */
const mostLimitsOfSigns = 6;

/**
 * Notices that nothing happens. Each event only stores a time, which costs almost nothing. When the
 * only timer fires, it looks at that time and waits for the rest. The time in which this process
 * slept does not count.
 */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onIdle: () => void;
  #timer: Timer | undefined;
  #last: number;
  /** When something happened that is more than a sign of life. */
  #lastTouch: number;

  /** Calls `onIdle` once, `limitMs` after the last {@link touch}, unless stopped before. */
  constructor(clock: Clock, limitMs: number, onIdle: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onIdle = onIdle;
    this.#last = clock.now();
    this.#lastTouch = this.#last;
    this.#wait(limitMs);
  }

  /** Something happened. */
  touch(): void {
    this.#last = this.#clock.now();
    this.#lastTouch = this.#last;
  }

  /**
   * A sign of life, such as a provider sends while it has no content. It counts like an event, but
   * only for a limited number of limits in a row.
   */
  sign(): void {
    const now = this.#clock.now();
    if (now - this.#lastTouch < this.#limitMs * mostLimitsOfSigns) this.#last = now;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wait(ms: number): void {
    this.#timer = afterAwake(this.#clock, ms, (sleptMs) => {
      // It is unknown whether the process slept before or after that; in doubt, after it.
      this.#last = Math.min(this.#last + sleptMs, this.#clock.now());
      this.#lastTouch = Math.min(this.#lastTouch + sleptMs, this.#last);
      const rest = this.#last + this.#limitMs - this.#clock.now();
      if (rest > 0) this.#wait(rest);
      else this.#onIdle();
    });
  }
}
