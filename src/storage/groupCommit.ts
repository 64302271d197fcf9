// Durable transactions that fall together share one commit, so that many sessions wait for the disk
// once and not each (protocol.md section 5).
import type { Clock } from "../base/clock.js";
import type { Database } from "./database.js";

/** So many turns of the event loop must bring nothing new before what waits is written. */
const quietTurns = 2;
/** The most turns of the event loop that anything waits. */
const mostTurns = 16;

/**
 * What is to be on disk. Its owner is told once whether it was accepted or refused, as the caller of
 * a run is; it must not throw when it is told.
 */
export interface DurableWork {
  /** What it changes, for {@link GroupCommit.settle}. */
  readonly subjects: readonly string[];
  /** Writes it. It is called again where one that it shared a transaction with could not be written. */
  write(): void;
  /** It is on disk, and what was to be announced behind it has been. */
  accepted(): void;
  /** Nothing of it was written. */
  refused(error: unknown): void;
}

/** Writes what is to be durable, together where it comes together. */
export class GroupCommit {
  readonly #database: Database;
  readonly #clock: Clock;
  #waiting: DurableWork[] = [];
  #isScheduled = false;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Joins the next commit, which comes as soon as a few turns of the event loop bring no more. */
  join(work: DurableWork): void {
    this.#waiting.push(work);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule({ turns: 0, quiet: 0, seen: this.#waiting.length });
  }

  /** Call it before you look at a subject or change it: then nothing about it waits any more. */
  settle(subject: string): void {
    if (this.#waiting.some(({ subjects }) => subjects.includes(subject))) this.commit();
  }

  /**
   * Writes what waits, now: all of it has been told `accepted` or `refused` when this returns. One that
   * cannot be written does not keep the others from the disk.
   */
  commit(): void {
    this.#write(this.#waiting.splice(0));
  }

  #schedule(wait: { turns: number; quiet: number; seen: number }): void {
    this.#clock.soon(() => {
      const turns = wait.turns + 1;
      const seen = this.#waiting.length;
      const quiet = seen === wait.seen ? wait.quiet + 1 : 0;
      if (seen > 0 && quiet < quietTurns && turns < mostTurns) {
        this.#schedule({ turns, quiet, seen });
      } else {
        this.#isScheduled = false;
        this.commit();
      }
    });
  }

  #write(works: readonly DurableWork[]): void {
    if (works.length === 0) return;
    let writing: DurableWork | undefined;
    try {
      this.#database.durable(() => {
        for (const work of works) {
          writing = work;
          work.write();
        }
        writing = undefined;
      });
    } catch (error) {
      this.#refused(works, writing, error);
      return;
    }
    for (const work of works) work.accepted();
  }

  #refused(works: readonly DurableWork[], culprit: DurableWork | undefined, error: unknown): void {
    if (culprit === undefined) {
      // The disk refuses, or another program holds it: each on its own would wait as long again.
      for (const work of works) work.refused(error);
      return;
    }
    this.#write(works.filter((work) => work !== culprit));
    culprit.refused(error);
  }
}
