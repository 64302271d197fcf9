/** A number of places, of which each is taken by one at a time. Who finds none waits, in order. */
export class Places {
  readonly #most: number;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(most: number) {
    this.#most = most;
  }

  get most(): number {
    return this.#most;
  }

  /** Takes a place and returns what gives it back; undefined when there is none. */
  tryTake(): (() => void) | undefined {
    return this.#taken < this.#most ? this.#take() : undefined;
  }

  /** Takes a place as soon as there is one. Rejects with the signal's reason when it is aborted. */
  take(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const place = this.tryTake();
      if (place !== undefined) return resolve(place);
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
