// Writes that come at about the same time share one commit. So many sessions wait for the disk only
// once together (protocol.md section 5).
import { waitAfter } from "../base/backOff.js";
import type { Clock, Timer } from "../base/clock.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { Database } from "./database.js";

/**
 * After `quiet` turns of the event loop without new work, the waiting work is written, and after `most` in any
 * case. Where many sessions are busy, a longer wait makes commits of about one size: the longest holds of the
 * loop are shorter then, and so is the slowest turn. An idle loop makes such turns in no time.
 */
const waits = { alone: { quiet: 2, most: 16 }, shared: { quiet: 8, most: 40 } };
/** So many works have one commit at most: what is in it is written, and told, in one piece. */
const mostWorks = 16;
/** A commit with so many works shows that many sessions are busy. */
const usuallyMany = 4;
/** How long is waited between two looks whether another program still holds the database. */
const retries = { firstMs: 10, mostMs: 100 };

/**
 * Work that shares a commit. Its owner is told once whether it was accepted or refused, like the caller
 * of a run. The callbacks must not throw.
 */
export interface SharedWork {
  /** Whether a power cut must not lose it. A commit is durable if anything in it must be. */
  readonly isDurable: boolean;
  /** What it changes, for {@link GroupCommit.settle}. */
  readonly subjects: readonly string[];
  /**
   * Where another program holds the database, it waits for that until this time, in milliseconds since
   * the Unix epoch, and is refused then; undefined: it is refused at once.
   */
  readonly waitsUntil?: number;
  /** False where nothing of it is left to write; then it has no commit of its own. */
  isNeeded?(): boolean;
  /** Writes it. It is called again if another work in the same transaction could not be written. */
  write(): void;
  /** It is committed, and its announcements were made. */
  accepted(): void;
  /** Nothing of it was written. */
  refused(error: unknown): void;
}

/** Writes work; what comes at the same time is written together. */
export class GroupCommit {
  readonly #database: Database;
  readonly #clock: Clock;
  #waiting: SharedWork[] = [];
  #isScheduled = false;
  readonly #manyWorks: number;
  #isShared: boolean;
  /** Set while another program holds the database: when it is tried again, and how often it was. */
  #retry: { readonly timer: Timer; readonly attempt: number; readonly error: unknown } | undefined;

  /** With `manyWorks` in a commit, many sessions count as busy. */
  constructor(database: Database, clock: Clock, manyWorks = usuallyMany) {
    this.#database = database;
    this.#clock = clock;
    this.#manyWorks = manyWorks;
    this.#isShared = manyWorks === 0;
  }

  /** Whether many sessions are busy: the last commit had several works. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Joins the next commit, which comes as soon as a few turns of the event loop bring no more. */
  join(work: SharedWork): void {
    this.#waiting.push(work);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule({ turns: 0, quiet: 0, seen: this.#waiting.length });
  }

  /**
   * Call it before you look at a subject or change it: then nothing about it waits any more, unless
   * another program holds the database.
   */
  settle(subject: string): void {
    if (this.#waiting.some(({ subjects }) => subjects.includes(subject))) this.commit();
  }

  /**
   * Writes what waits, now: all of it has been told `accepted` or `refused` when this returns, unless
   * another program holds the database. One that cannot be written does not keep the others from the
   * disk.
   */
  commit(): void {
    if (this.#waiting.length === 0) this.#goOn();
    this.#write(this.#waiting.splice(0));
  }

  /** Refuses a work that waits for another program; it is not written then. */
  withdraw(work: SharedWork): void {
    if (this.#retry === undefined || !this.#waiting.includes(work)) return;
    this.#waiting = this.#waiting.filter((one) => one !== work);
    work.refused(this.#retry.error);
  }

  #schedule(wait: { turns: number; quiet: number; seen: number }): void {
    this.#clock.soon(() => {
      const turns = wait.turns + 1;
      const seen = this.#waiting.length;
      const quiet = seen === wait.seen ? wait.quiet + 1 : 0;
      const longest = this.#isShared ? waits.shared : waits.alone;
      if (seen > 0 && quiet < longest.quiet && turns < longest.most) {
        this.#schedule({ turns, quiet, seen });
      } else {
        this.#isScheduled = false;
        this.#commitSome();
      }
    });
  }

  /** Writes what waits; where that is much, in parts of about one size, each in a turn of the event loop. */
  #commitSome(): void {
    const { length } = this.#waiting;
    if (length <= mostWorks) {
      this.commit();
      return;
    }
    this.#write(this.#waiting.splice(0, Math.ceil(length / Math.ceil(length / mostWorks))));
    // What another program is in the way of is tried again by its timer, all of it.
    if (this.#retry !== undefined || this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    this.#schedule({ turns: waits.shared.most, quiet: 0, seen: this.#waiting.length });
  }

  #write(works: readonly SharedWork[]): void {
    if (works.length === 0) return;
    this.#isShared = works.length >= this.#manyWorks;
    let writing: SharedWork | undefined;
    const write = () => {
      for (const work of works) {
        writing = work;
        work.write();
      }
      writing = undefined;
    };
    try {
      if (works.some(({ isDurable }) => isDurable)) this.#database.durable(write);
      else if (works.some((work) => work.isNeeded?.() !== false)) this.#database.writePart(write);
    } catch (error) {
      this.#refused(works, writing, error);
      return;
    }
    this.#goOn();
    for (const work of works) work.accepted();
  }

  /** Nothing waits for another program any more. */
  #goOn(): void {
    this.#retry?.timer.cancel();
    this.#retry = undefined;
  }

  /** Another program holds the database: everything else goes on, and this is tried again soon. */
  #wait(works: readonly SharedWork[], error: unknown): void {
    const now = this.#clock.now();
    const isOver = ({ waitsUntil = now }: SharedWork) => waitsUntil <= now;
    this.#waiting.unshift(...works.filter((work) => !isOver(work)));
    const attempt = (this.#retry?.attempt ?? 0) + 1;
    this.#goOn();
    if (this.#waiting.length > 0) {
      const timer = this.#clock.after(waitAfter(attempt, retries), () => this.commit());
      this.#retry = { timer, attempt, error };
    }
    for (const work of works.filter(isOver)) work.refused(error);
  }

  #refused(works: readonly SharedWork[], culprit: SharedWork | undefined, error: unknown): void {
    if (culprit === undefined) {
      if (isHeldElsewhere(error)) {
        this.#wait(works, error);
        return;
      }
      this.#goOn();
      // The disk refuses, or another program holds it. Trying each one alone would take as long
      // again for each.
      for (const work of works) work.refused(error);
      return;
    }
    this.#write(works.filter((work) => work !== culprit));
    culprit.refused(error);
  }
}
