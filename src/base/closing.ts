/** One step of closing something; it may be asynchronous, and it may fail. */
export type CloseStep = () => void | Promise<void>;

/**
 * Owns things that were opened, and closes them in the reverse order. Every step runs even when one
 * fails; the failures are thrown together as an `AggregateError`.
 */
export class Closing {
  #steps: CloseStep[] = [];
  #closed: Promise<void> | undefined;

  /** Adds a step that runs before every step added earlier. */
  add(step: CloseStep): void {
    this.#steps.push(step);
  }

  /** Runs the steps once; every further call gets the same promise. */
  close(): Promise<void> {
    this.#closed ??= this.#run();
    return this.#closed;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "closing failed");
  }
}
