import { setImmediate } from "node:timers/promises";

/** The time before the first pause, in milliseconds. The time between pauses doubles. */
const firstMs = 0.5;
/** The longest time between two pauses, in milliseconds. */
const mostMs = 16;

/**
 * Decides when the reader of a stream lets the rest of the process work. Data that has arrived is
 * read in microtasks, one piece after the other, and nothing is written meanwhile. Without pauses,
 * the first word of an answer would wait for all other words that arrived with it.
 */
export class ReadingPace {
  #betweenMs = firstMs;
  #lastAt = performance.now();

  /** Whether it is time for a pause. */
  get isDue(): boolean {
    return performance.now() - this.#lastAt >= this.#betweenMs;
  }

  /** Resolves after one turn of the event loop. */
  async yield(): Promise<void> {
    await setImmediate();
    this.#betweenMs = Math.min(this.#betweenMs * 2, mostMs);
    this.#lastAt = performance.now();
  }
}
