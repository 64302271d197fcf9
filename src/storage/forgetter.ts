import { type Clock, sleep, type Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { Database } from "./database.js";
import type { ForgottenSessions } from "./forgottenSessions.js";

const betweenStepsMs = 10;
/** The pause after an error, or after the start of the server. */
const laterMs = 5000;
/** `PRAGMA auto_vacuum` of a file whose free pages can be given back to the disk step by step. */
const incremental = 2;
/** How many pages are given back at a time. */
const pagesPerStep = 128;
/** How many free pages stay in the file for new rows: 1 MiB. */
const fewFreePages = 256;
/** How many steps a server takes at its end if it lived for less than {@link laterMs}. */
const stepsAtEnd = 10;

/** What a forgetter works with. */
export interface ForgetterOptions {
  readonly database: Database;
  readonly forgotten: ForgottenSessions;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Deletes the content of deleted sessions and makes the file smaller, in steps of a few milliseconds
 * (protocol.md section 9). A server that dies leaves the rest to the next one.
 */
export class Forgetter {
  readonly #options: ForgetterOptions;
  #timer: Timer | undefined;
  #isClosed = false;
  #hasStepped = false;
  #hasShrunk = false;

  constructor(options: ForgetterOptions) {
    this.#options = options;
    this.#wait(laterMs);
  }

  /** Notes that something was deleted. */
  wake(): void {
    this.#timer?.cancel();
    this.#wait(betweenStepsMs);
  }

  /** Whether content of a deleted session may be left. */
  isForgetting(sessionId: string): boolean {
    return this.#options.forgotten.has(sessionId);
  }

  /** Resolves when nothing is left of a deleted session. Then a new session may get its id. */
  async finish(sessionId: string): Promise<void> {
    const { forgotten, clock } = this.#options;
    while (forgotten.has(sessionId)) {
      forgotten.step(sessionId);
      await sleep(clock, 0);
    }
  }

  #wait(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(ms, () => this.#tick());
  }

  #tick(): void {
    this.#timer = undefined;
    this.#hasStepped = true;
    try {
      if (this.#step()) this.#wait(betweenStepsMs);
    } catch (error) {
      // This is also the case if another program holds the database. The work is not urgent.
      this.#options.log.warn({ reason: messageOf(error) }, "deleting goes on later");
      this.#wait(laterMs);
    }
  }

  /** Takes a step. Returns whether there was something to do. */
  #step(): boolean {
    const { forgotten } = this.#options;
    const { next } = forgotten;
    if (next === undefined) return this.#shrink();
    forgotten.step(next);
    return true;
  }

  /** Makes the file smaller. A file that an older program has made would have to be rebuilt; it stays. */
  #shrink(): boolean {
    const { database } = this.#options;
    const read = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
    if (read("auto_vacuum") !== incremental) return false;
    if (read("freelist_count") >= fewFreePages) {
      // The answer has a row for each page.
      database.prepare(`PRAGMA incremental_vacuum(${pagesPerStep})`).all();
      this.#hasShrunk = true;
      return true;
    }
    if (this.#hasShrunk) database.checkpoint();
    this.#hasShrunk = false;
    return false;
  }

  /** Ends the work. A server that lived only for a moment takes some steps here. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    if (this.#hasStepped) return;
    try {
      for (let step = 0; step < stepsAtEnd && this.#step(); step++);
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, "deleting goes on in the next server");
    }
  }
}
