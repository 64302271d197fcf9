// Writes that the disk has refused and that must still be made: how runs ended, and that queued
// ones were dropped. They are written as soon as the disk accepts them. They belong to the server,
// so they are written even if their workspace was closed or opened again.
import { type BackOff, waitAfter } from "../base/backOff.js";
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { Log } from "../base/log.js";
import type { Database } from "../storage/database.js";
import { isDiskTrouble } from "../storage/storageError.js";

const retries = { firstMs: 250, mostMs: 10_000 };
/** Another program that holds the database lets go of it sooner than a disk gets room. */
const heldRetries = { firstMs: 250, mostMs: 500 };

/** Writes that are tried until the disk accepts them, in their order. */
export class OwedWrites {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  #waiting: (() => void)[] = [];
  #attempt = 0;
  #restsUntil = 0;
  #timer: Timer | undefined;

  constructor(database: Database, clock: Clock, log: Log) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
  }

  /** Adds a write that failed now; `write` runs in a transaction of its own. */
  owe(write: () => void): void {
    this.#waiting.push(write);
    if (this.#timer === undefined) this.#rest(retries);
  }

  /** Tries the owed writes, unless the disk has just refused one. */
  settle(): void {
    if (this.#waiting.length > 0 && this.#clock.now() >= this.#restsUntil) this.flush();
  }

  /** Tries the owed writes now. Never throws. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const write = next;
      try {
        this.#database.durable(write);
      } catch (error) {
        const fields = { attempt: this.#attempt + 1, reason: messageOf(error) };
        if (isDiskTrouble(error)) {
          this.#log.error(fields, "what the disk is owed could not be written yet");
          this.#rest(isHeldElsewhere(error) ? heldRetries : retries);
          return;
        }
        this.#log.error(fields, "what the disk is owed cannot be written; it is given up");
      }
      this.#waiting.shift();
      this.#attempt = 0;
    }
  }

  #rest(backOff: BackOff): void {
    const wait = waitAfter(++this.#attempt, backOff);
    this.#restsUntil = this.#clock.now() + Math.min(wait, backOff.firstMs);
    this.#timer = this.#clock.after(wait, () => this.flush());
  }

  /**
   * Tries a last time. If the disk refuses, the next server that opens the directory ends the runs.
   */
  close(): void {
    if (this.#waiting.length > 0) this.flush();
    this.#timer?.cancel();
    this.#waiting = [];
  }
}
