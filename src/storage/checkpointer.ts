// Does what can wait: once a second while there are writes, what was left for later, and when there is
// nothing else to do, it moves the write-ahead log into the database's file. If a commit had to do either,
// its turn and all others would wait.
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { Log } from "../base/log.js";
import type { Database } from "./database.js";

/** How long nothing must have been written, in milliseconds. */
export const quietMs = 1000;
/** The pause between two steps of what was left for later, in milliseconds. */
const stepPauseMs = 1;

/** Waits for quiet moments. It does not wake an idle server. */
export class Checkpointer {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #isQuiet = true;
  #isClosed = false;
  #onQuiet: () => void = () => {};
  #beginRest: () => Iterator<void> = () => [].values();
  #rest: Iterator<void> | undefined;

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

  /**
   * Once a second while there are writes, and before a quiet moment, `begin` tells what was left for
   * later. Its steps may write, and may throw: then it is tried again a second after the next write, and
   * each second while another program holds the file.
   */
  onRest(begin: () => Iterator<void>): void {
    this.#beginRest = begin;
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
    this.#after(quietMs);
  }

  #after(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#clock.after(ms, () => {
      if (this.#takeStep()) {
        this.#after(stepPauseMs);
        return;
      }
      this.#timer = undefined;
      if (this.#isQuiet) this.#checkpoint();
      else this.#wait();
    });
  }

  /** Returns whether there may be another step. What it writes does not end the quiet. */
  #takeStep(): boolean {
    let isQuiet = this.#isQuiet;
    try {
      this.#rest ??= this.#beginRest();
      if (this.#rest.next().done !== true) return true;
    } catch (error) {
      // It stays left for later. Another program may let go of the file without anything being written.
      if (isHeldElsewhere(error)) isQuiet = false;
      this.#log.debug({ reason: messageOf(error) }, "what was left for later could not be written");
    } finally {
      this.#isQuiet = isQuiet;
    }
    this.#rest = undefined;
    return false;
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
