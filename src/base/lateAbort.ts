// An `AbortController` that is made when somebody first needs its signal: hardly anything is ever cancelled,
// and making one takes a tenth of the time of a small request.

/** Whether something is aborted, and the signal of that. */
export type LateSignal = Pick<LateAbort, "aborted" | "signal">;

/** Aborts at most once, like an `AbortController`. */
export class LateAbort {
  #controller: AbortController | undefined;
  #done: { readonly reason: unknown } | undefined;
  readonly #listeners = new Set<() => void>();

  /** Whether it is aborted. No signal is made for this. */
  get aborted(): boolean {
    return this.#done !== undefined;
  }

  /** Always the same one. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#done !== undefined) this.#controller.abort(this.#done.reason);
    }
    return this.#controller.signal;
  }

  /**
   * Calls `listener`, which must not throw, once it is aborted, and at once if it is. Returns how to stop
   * that. No signal is made.
   */
  onAbort(listener: () => void): () => void {
    if (this.aborted) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Aborts; later calls change nothing. */
  abort(reason: unknown): void {
    if (this.#done !== undefined) return;
    this.#done = { reason };
    this.#controller?.abort(reason);
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
