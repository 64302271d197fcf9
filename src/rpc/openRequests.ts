// The requests of a connection that are not answered yet.
import { Deferred } from "../base/deferred.js";

/** Knows when every request is answered. */
export class OpenRequests {
  #count = 0;
  #none: Deferred<void> | undefined;

  /** Counts a request until its answer is there; returns the answer. */
  async add<T>(answer: Promise<T>): Promise<T> {
    this.#count++;
    try {
      return await answer;
    } finally {
      this.#count--;
      if (this.#count === 0) this.#none?.resolve();
    }
  }

  /** Resolves when none is open. */
  none(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    this.#none ??= new Deferred();
    return this.#none.promise;
  }
}
