import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { CompletionStore } from "./completionStore.js";

/** How long an acknowledged completion can still be read, in milliseconds (contract section 5). */
export const keepAcknowledgedMs = 7 * 24 * 60 * 60_000;
const firstMs = 60_000;
const betweenRoundsMs = 60 * 60_000;
const betweenStepsMs = 250;
const rowsPerStep = 200;

/** Deletes acknowledged completions whose time is over, in steps too small to hold up a turn. */
export class Pruner {
  readonly #store: CompletionStore;
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer;

  constructor(store: CompletionStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#timer = clock.after(firstMs, () => this.#step());
  }

  #step(): void {
    let deleted = 0;
    try {
      deleted = this.#store.prune(this.#clock.now() - keepAcknowledgedMs, rowsPerStep);
    } catch (error) {
      this.#log.warn({ reason: messageOf(error) }, "pruning failed; it is tried again later");
    }
    const wait = deleted === rowsPerStep ? betweenStepsMs : betweenRoundsMs;
    this.#timer = this.#clock.after(wait, () => this.#step());
  }

  /** Prunes nothing more. */
  close(): void {
    this.#timer.cancel();
  }
}
