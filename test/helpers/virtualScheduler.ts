// Time and ids that a test decides. Nothing moves unless it is told to, so that every history of a
// test can be run again exactly.
import type { Clock, Timer } from "../../src/base/clock.js";
import type { Ids } from "../../src/base/ids.js";

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A {@link Clock} in which a test takes every step: of time, and of the event loop. */
export class VirtualScheduler implements Clock {
  #now: number;
  #order = 0;
  #timers: Waiting[] = [];
  #soon: (() => void)[] = [];
  #isStopped = false;

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Timer {
    const waiting = { at: this.#now + ms, order: this.#order++, run };
    if (!this.#isStopped) this.#timers.push(waiting);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== waiting);
      },
    };
  }

  soon(run: () => void): void {
    if (!this.#isStopped) this.#soon.push(run);
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.length;
  }

  /** When the next timer fires, in milliseconds from now. */
  get nextIn(): number | undefined {
    const [first] = this.#timers.map(({ at }) => at).sort((a, b) => a - b);
    return first === undefined ? undefined : first - this.#now;
  }

  /** Runs what was put off by `soon`, and every promise behind it, until nothing is left to do. */
  async settle(): Promise<void> {
    do {
      for (const run of this.#soon.splice(0)) run();
      await promisesHaveRun();
    } while (this.#soon.length > 0);
  }

  /** Settles, then moves on by `ms`: each timer that is due on the way fires and settles. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    for (;;) {
      const [next] = this.#timers
        .filter(({ at }) => at <= until)
        .sort((a, b) => a.at - b.at || a.order - b.order);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await this.settle();
    }
    this.#now = until;
  }

  /** Moves on to the next timer and fires it; what it brings about has not happened yet. */
  fireNext(): void {
    const [next] = this.#timers.toSorted((a, b) => a.at - b.at || a.order - b.order);
    if (next === undefined) throw new Error("no timer is set");
    this.#timers = this.#timers.filter((other) => other !== next);
    this.#now = Math.max(this.#now, next.at);
    next.run();
  }

  /** Forgets all that was to come and takes nothing more: the process has died. */
  stop(): void {
    this.#isStopped = true;
    this.#timers = [];
    this.#soon = [];
  }
}

/** Resolves when every promise that can settle now has. */
export function promisesHaveRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Ids that count: the same in every run of a test. */
export class CountingIds implements Ids {
  #last: number;

  /** `last` is a number that another server has used already. */
  constructor(last = 0) {
    this.#last = last;
  }

  next(prefix: string): string {
    return `${prefix}_${++this.#last}`;
  }
}
