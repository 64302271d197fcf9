/**
 * What came in, done in its order. Most of it is done at once; a large message takes several turns of the
 * event loop, and what came after it waits.
 */
export class FrameQueue {
  readonly #waiting: (() => Promise<void> | undefined)[] = [];
  readonly #onIdle: () => void;
  #isBusy = false;

  /** `onIdle` is called when what took several turns is done, and all that waited for it. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** Whether something that came in is not done yet. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * Does `take` when all before it is done; at once if it is. `take` never throws, and its promise never
   * rejects.
   */
  add(take: () => Promise<void> | undefined): void {
    if (this.#isBusy) {
      this.#waiting.push(take);
      return;
    }
    const taking = take();
    if (taking === undefined) return;
    this.#isBusy = true;
    void taking.then(() => this.#goOn());
  }

  async #goOn(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await next();
    }
    this.#isBusy = false;
    this.#onIdle();
  }
}
