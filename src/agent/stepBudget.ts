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

  /** Takes a model call, and says whether there was one left: sub-tasks take theirs side by side. */
  take(): boolean {
    if (this.isUsedUp) return false;
    this.#used++;
    return true;
  }

  /** A call was refused as too long: it is made again when there is room. */
  giveBack(): void {
    this.#used--;
  }
}
