import { afterAwake } from "../base/awakeTime.js";
import type { Clock, Timer } from "../base/clock.js";

/** How long one call of a tool may take. */
export const callTimeoutMs = 600_000;

/** The time limit of one call. The time in which a person thinks does not count. */
export class CallLimit {
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #onAbort: () => void;
  #timer: Timer;

  /** Begins now; `signal` ends it early. */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#outer = signal;
    this.#onAbort = () => this.#controller.abort(signal.reason);
    signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#timer = this.#start();
  }

  /** Aborted when the time is up, and when the outer signal is. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Does something that waits for a person. Afterwards the call has its whole time again. */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    this.#timer.cancel();
    try {
      return await work();
    } finally {
      this.#timer.cancel();
      this.#timer = this.#start();
    }
  }

  /** Stops watching. */
  end(): void {
    this.#timer.cancel();
    this.#outer.removeEventListener("abort", this.#onAbort);
  }

  #start(): Timer {
    return afterAwake(this.#clock, callTimeoutMs, () =>
      this.#controller.abort(new Error("the call took too long")),
    );
  }
}
