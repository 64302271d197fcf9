import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";

/** How long a disk that failed is not asked, in milliseconds. */
const restMs = 1000;

/** Asks the disk for completions. One that fails delays only those: it is left alone for a while. */
export class DiskRest {
  readonly #log: Log;
  #until = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** What `ask` gives; undefined if the disk fails, or did a moment ago. */
  ask<T>(now: number, ask: () => T): T | undefined {
    if (now < this.#until) return undefined;
    try {
      return ask();
    } catch (error) {
      this.#log.warn({ reason: messageOf(error) }, "a completion could not be delivered yet");
      this.#until = now + restMs;
      return undefined;
    }
  }

  /** Until when the disk is not asked; undefined if it may be asked. */
  until(now: number): number | undefined {
    return now < this.#until ? this.#until : undefined;
  }
}
