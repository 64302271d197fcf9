/**
 * Work that is done in the order in which it came in. Most of it is done at once; some takes several turns of
 * the event loop, and what came after it waits.
 */
export class OrderedWork {
  readonly #waiting: (() => Promise<void> | undefined)[] = [];
  readonly #onIdle: () => void;
  #doing: Promise<void> | undefined;

  /** `onIdle` is called when what took several turns is done, and all that waited for it. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** Whether something that came in is not done yet. */
  get isBusy(): boolean {
    return this.#doing !== undefined;
  }

  /** Resolves when all that came in until now is done. */
  async done(): Promise<void> {
    await this.#doing;
  }

  /**
   * Does `work` when all before it is done; at once if it is. `work` never throws, and its promise never
   * rejects.
   */
  add(work: () => Promise<void> | undefined): void {
    if (this.#doing !== undefined) {
      this.#waiting.push(work);
      return;
    }
    const doing = work();
    if (doing !== undefined) this.#doing = doing.then(() => this.#goOn());
  }

  async #goOn(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await next();
    }
    this.#doing = undefined;
    this.#onIdle();
  }
}
