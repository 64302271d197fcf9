import type { CompletionRow } from "../storage/completionStore.js";
import { RedeliverySchedule, type Wave } from "./redeliverySchedule.js";

/**
 * The completions that were sent on one connection and not acknowledged, and when each is due again
 * (`ackTimeoutMs`).
 */
export class Redelivery {
  readonly #schedule: RedeliverySchedule;
  readonly #find: (after: number, upTo: number) => CompletionRow | undefined;
  #current: { wave: Wave; after: number } | undefined;

  /**
   * `find` returns the next completion in (`after`, `upTo`] that was sent and is not acknowledged.
   */
  constructor(
    ackTimeoutMs: number,
    find: (after: number, upTo: number) => CompletionRow | undefined,
  ) {
    this.#schedule = new RedeliverySchedule(ackTimeoutMs);
    this.#find = find;
  }

  /** The next that is due again. */
  next(now: number): CompletionRow | undefined {
    for (;;) {
      if (this.#current === undefined) {
        const wave = this.#schedule.takeDue(now);
        if (wave === undefined) return undefined;
        this.#current = { wave, after: wave.from - 1 };
      }
      const { wave, after } = this.#current;
      const row = this.#find(after, wave.to);
      if (row !== undefined) return row;
      this.#current = undefined;
    }
  }

  /** A completion was sent for the first time. */
  sent(row: CompletionRow, now: number): void {
    this.#schedule.sent(row.sequence, now);
  }

  /**
   * The completion that {@link next} gave was sent. If `wasNeeded` is false, it was acknowledged
   * meanwhile.
   */
  sentAgain(row: CompletionRow, now: number, wasNeeded: boolean): void {
    if (this.#current === undefined) return;
    this.#current.after = row.sequence;
    if (wasNeeded) this.#schedule.sent(row.sequence, now, this.#current.wave);
  }

  /** When something is next due. */
  get nextDueAt(): number | undefined {
    return this.#schedule.nextDueAt;
  }
}
