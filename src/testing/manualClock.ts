import type { Clock, Timer } from "../base/clock.js";

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * A clock that moves only when the test says so. As the `clock` of a client it is the client's own
 * time. `soon` waits for the next turn of the real event loop.
 */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  #waiting: Waiting[] = [];

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#waiting.length;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Timer {
    const waiting = { at: this.#now + ms, order: this.#order++, run };
    this.#waiting.push(waiting);
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
      },
    };
  }

  soon(run: () => void): void {
    setImmediate(run);
  }

  /** Moves the time on by `ms`, and fires every timer that becomes due, in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = this.#waiting
        .filter(({ at }) => at <= until)
        .sort((a, b) => a.at - b.at || a.order - b.order);
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      this.#now = next.at;
      next.run();
    }
    this.#now = until;
  }

  /** Milliseconds until the next timer fires; infinite when none is set. */
  get nextDue(): number {
    return Math.min(...this.#waiting.map(({ at }) => at)) - this.#now;
  }

  /** Resolves when at least `atLeast` timers are set. */
  async untilPending(atLeast = 1): Promise<void> {
    while (this.pending < atLeast) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
