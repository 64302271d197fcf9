// Callers that wait until everything is stored.
import { Deferred } from "../base/deferred.js";

/** Who waits for {@link PatientWrites.stored}. */
export class StoredWaiters {
  readonly #waiters = new Set<Deferred<void>>();

  /** Resolves with {@link resolve} or when the signal is aborted; rejects with {@link reject}. */
  async wait(signal: AbortSignal): Promise<void> {
    const stored = new Deferred<void>();
    const onAbort = () => stored.resolve();
    this.#waiters.add(stored);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await stored.promise;
    } finally {
      this.#waiters.delete(stored);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Everything is stored. */
  resolve(): void {
    for (const waiter of this.#waiters) waiter.resolve();
  }

  /** Something cannot be stored. */
  reject(error: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }
}
