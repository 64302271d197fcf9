// What the disk has refused and is still owed: how runs ended, and that queued ones were dropped. It is
// written as soon as the disk takes it. It belongs to the server: a workspace that is closed, or open
// again, does not keep it from being written.
import { waitAfter } from "../base/backOff.js";
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { Database } from "../storage/database.js";
import { isDiskTrouble } from "../storage/storageError.js";

const retries = { firstMs: 250, mostMs: 10_000 };

/** Writes that are tried until the disk takes them, in the order in which they came. */
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

  /** Writes later what could not be written now; `write` belongs into a transaction of its own. */
  owe(write: () => void): void {
    this.#waiting.push(write);
    if (this.#timer === undefined) this.#rest();
  }

  /** Tries what is owed, unless the disk has just refused it. */
  settle(): void {
    if (this.#waiting.length > 0 && this.#clock.now() >= this.#restsUntil) this.flush();
  }

  /** Tries what is owed, now. Never throws. */
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
          this.#rest();
          return;
        }
        this.#log.error(fields, "what the disk is owed cannot be written; it is given up");
      }
      this.#waiting.shift();
      this.#attempt = 0;
    }
  }

  #rest(): void {
    const wait = waitAfter(++this.#attempt, retries);
    this.#restsUntil = this.#clock.now() + Math.min(wait, retries.firstMs);
    this.#timer = this.#clock.after(wait, () => this.flush());
  }

  /** Tries a last time; what the disk refuses is ended by the next server that opens the directory. */
  close(): void {
    if (this.#waiting.length > 0) this.flush();
    this.#timer?.cancel();
    this.#waiting = [];
  }
}
