import { afterAwake } from "../base/awakeTime.js";
import type { Clock, Timer } from "../base/clock.js";

/** Signs of life alone keep a watch quiet for this many times its limit. */
const mostLimitsOfSigns = 6;

/**
 * Notices that nothing happens. What happens is only noted down, which costs next to nothing; the
 * one timer looks at the note when it fires, and sets itself again for the rest. The time in which
 * this process slept is nobody's silence.
 */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onIdle: () => void;
  #timer: Timer | undefined;
  #last: number;
  /** When something happened that counts by itself. */
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
   * A sign that there is still life, such as a provider sends while it has nothing to say. It counts
   * as something that happens, for so many limits in a row at most.
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
      // Whether it slept before or after that is not known: after it, for all that it could.
      this.#last = Math.min(this.#last + sleptMs, this.#clock.now());
      this.#lastTouch = Math.min(this.#lastTouch + sleptMs, this.#last);
      const rest = this.#last + this.#limitMs - this.#clock.now();
      if (rest > 0) this.#wait(rest);
      else this.#onIdle();
    });
  }
}
