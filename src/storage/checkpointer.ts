// Moves the write-ahead log into the database's file when there is nothing else to do. If a commit
// had to do it, its turn and all others would wait.
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { Database } from "./database.js";

/** How long nothing must have been written, in milliseconds. */
export const quietMs = 1000;

/** Waits for quiet moments. It does not wake an idle server. */
export class Checkpointer {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #isQuiet = true;
  #isClosed = false;
  #onQuiet: () => void = () => {};

  constructor(database: Database, clock: Clock, log: Log) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    database.onWritten(() => this.#written());
  }

  /** Calls `listener` in each quiet moment; it must neither write nor throw. */
  onQuiet(listener: () => void): void {
    this.#onQuiet = listener;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #written(): void {
    this.#isQuiet = false;
    if (this.#timer === undefined && !this.#isClosed) this.#wait();
  }

  #wait(): void {
    this.#isQuiet = true;
    this.#timer = this.#clock.after(quietMs, () => {
      this.#timer = undefined;
      if (this.#isQuiet) this.#checkpoint();
      else this.#wait();
    });
  }

  #checkpoint(): void {
    try {
      this.#database.checkpoint();
    } catch (error) {
      // Nothing is lost: the log is part of the database, and the next quiet moment tries again.
      this.#log.warn({ reason: messageOf(error) }, "the database could not be checkpointed");
    }
    this.#onQuiet();
  }
}
