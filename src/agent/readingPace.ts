import { setImmediate } from "node:timers/promises";

/** The first pause comes after so long, in milliseconds; each one is twice as far from the next. */
const firstMs = 0.5;
/** No more than so much lies between two pauses, in milliseconds. */
const mostMs = 16;

/**
 * When the reader of a stream lets the rest of the process work. What has arrived already is read in
 * microtasks, one piece after the other, and nothing is written meanwhile. Without pauses the first
 * word of an answer would wait for all the others that arrived with it.
 */
export class ReadingPace {
  #betweenMs = firstMs;
  #lastAt = performance.now();

  /** Whether it is time for a pause. */
  get isDue(): boolean {
    return performance.now() - this.#lastAt >= this.#betweenMs;
  }

  /** Resolves when the event loop has been round once. */
  async yield(): Promise<void> {
    await setImmediate();
    this.#betweenMs = Math.min(this.#betweenMs * 2, mostMs);
    this.#lastAt = performance.now();
  }
}
