import { ManualClock } from "./manualClock.js";

/** A clock of a process that can be stopped: what is due meanwhile fires once, when it goes on. */
export class StoppableClock extends ManualClock {
  #skippedMs = 0;

  override now(): number {
    return super.now() + this.#skippedMs;
  }

  /** Stands still for `ms`: the time goes on, and the next timer fires at once. */
  sleep(ms: number): void {
    const due = this.nextDue;
    this.#skippedMs += ms - due;
    this.advance(due);
  }
}
