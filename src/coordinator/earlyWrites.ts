// Writes of a run that go with its next one, so that they cost no commit of their own.
import type { Clock, Timer } from "../base/clock.js";
import { defined } from "../base/defined.js";

/** How long one waits at most for the next write, in milliseconds. */
const laterMs = 250;

/** A write that goes with the next one. */
export interface EarlyWrite {
  readonly write: () => void;
  /** Called after it. */
  readonly told?: () => void;
  /** Whether it is told where the run ends with it, too. */
  readonly isToldAtEnd?: true;
}

/** What waits for the next write of a run. */
export class EarlyWrites {
  readonly #clock: Clock;
  readonly #writeNow: () => void;
  #list: EarlyWrite[] = [];
  #timer: Timer | undefined;

  /** `writeNow` makes a write, with what waits here; it must not throw. */
  constructor(clock: Clock, writeNow: () => void) {
    this.#clock = clock;
    this.#writeNow = writeNow;
  }

  /** Whether something waits. */
  get isWaiting(): boolean {
    return this.#list.length > 0;
  }

  /** See {@link PatientWrites.writeSoon}. */
  addBriefly(write: () => void, told: () => void): void {
    this.#list.push({ write, told, isToldAtEnd: true });
    this.#clock.soon(() => this.#over());
  }

  /** See {@link PatientWrites.writeLater}. */
  add(write: () => void, told?: () => void): void {
    this.#list.push({ write, ...defined({ told }) });
    this.#timer ??= this.#clock.after(laterMs, () => {
      this.#timer = undefined;
      this.#over();
    });
  }

  #over(): void {
    if (this.#list.length > 0) this.#writeNow();
  }

  /** Takes all of them, in order; they are made now. */
  take(): readonly EarlyWrite[] {
    return this.#list.splice(0);
  }

  /** They could not be made. */
  giveBack(taken: readonly EarlyWrite[]): void {
    this.#list.unshift(...taken);
  }

  /** Those that are written with the outcome of the run; they wait until {@link made} is called. */
  withOutcome(): readonly EarlyWrite[] {
    return [...this.#list];
  }

  /** These are on disk. */
  made(made: readonly EarlyWrite[]): void {
    this.#list = this.#list.filter((one) => !made.includes(one));
    for (const { told, isToldAtEnd } of made) if (isToldAtEnd) told?.();
  }

  /** Drops all of them. */
  close(): void {
    this.#timer?.cancel();
    this.#list = [];
  }
}
