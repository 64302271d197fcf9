/** How many model calls a run may make, its sub-tasks included (`limits.maxSteps`). */
export class StepBudget {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get isUsedUp(): boolean {
    return this.#used >= this.limit;
  }

  /** Takes one model call; returns whether one was left. Sub-tasks take theirs at the same time. */
  take(): boolean {
    if (this.isUsedUp) return false;
    this.#used++;
    return true;
  }

  /** Gives a model call back: it was refused as too long, and is made again when there is room. */
  giveBack(): void {
    this.#used--;
  }
}
