/** A fixed number of slots. A caller that finds none free waits; they are served in order. */
export class Slots {
  readonly #most: number;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(most: number) {
    this.#most = most;
  }

  get most(): number {
    return this.#most;
  }

  /** Takes a slot and returns the function that gives it back; undefined when none is free. */
  tryTake(): (() => void) | undefined {
    return this.#taken < this.#most ? this.#take() : undefined;
  }

  /** Takes a slot as soon as one is free. Rejects with the signal's reason when it is aborted. */
  take(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const slot = this.tryTake();
      if (slot !== undefined) return resolve(slot);
      const onAbort = () => {
        this.#waiting.delete(onFree);
        reject(signal.reason);
      };
      const onFree = () => {
        signal.removeEventListener("abort", onAbort);
        resolve(this.#take());
      };
      this.#waiting.add(onFree);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #take(): () => void {
    this.#taken += 1;
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      this.#taken -= 1;
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next);
      next();
    };
  }
}
