import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { CompletionStore } from "./completionStore.js";
import type { NoteStore } from "./noteStore.js";
import type { OldSessions } from "./oldSessions.js";

/** How long an acknowledged completion can still be read, in milliseconds (protocol.md section 5). */
export const keepAcknowledgedMs = 7 * 24 * 60 * 60_000;
const firstMs = 60_000;
const betweenRoundsMs = 60 * 60_000;
const betweenStepsMs = 250;
const rowsPerStep = 200;
/** The last steps of a server that lived for less than {@link firstMs}. */
const stepsAtEnd = 20;
const lookName = "pruning";

/** What is pruned, and where the times of looks are stored. */
export interface PrunedStores {
  readonly completions: CompletionStore;
  readonly notes: NoteStore;
  /** What else age lets go of. */
  readonly old?: Pick<OldSessions, "step">;
}

/**
 * Which completions were certainly old at an earlier look, and the time of that look; both in
 * milliseconds.
 */
interface Look {
  readonly limit: number;
  readonly at: number;
}

/**
 * Deletes acknowledged completions whose time is over, in steps too small to hold up a turn.
 *
 * A clock may be days ahead for a minute. So only those completions are deleted whose time was over
 * at a look at least an hour ago, if the clock has not gone back since. The look is stored on disk,
 * for servers that live only a minute.
 */
export class Pruner {
  readonly #store: CompletionStore;
  readonly #notes: NoteStore;
  readonly #old: PrunedStores["old"];
  readonly #clock: Clock;
  readonly #log: Log;
  /** The limit of the present round. */
  #limit: number | undefined;
  #hasPruned = false;
  #timer: Timer;

  constructor(stores: PrunedStores, clock: Clock, log: Log) {
    this.#store = stores.completions;
    this.#notes = stores.notes;
    this.#old = stores.old;
    this.#clock = clock;
    this.#log = log;
    this.#timer = clock.after(firstMs, () => this.#step());
  }

  #step(): void {
    const isDone = this.#prune();
    this.#timer = this.#clock.after(isDone ? betweenRoundsMs : betweenStepsMs, () => this.#step());
  }

  /** Takes one step of a round; returns whether it was the last one. */
  #prune(): boolean {
    this.#hasPruned = true;
    try {
      this.#limit ??= this.#surelyOver(this.#clock.now());
      if (this.#limit === undefined) return true;
      const isDone =
        this.#store.prune(this.#limit, rowsPerStep) < rowsPerStep &&
        this.#old?.step(this.#limit + keepAcknowledgedMs) !== true;
      if (isDone) this.#limit = undefined;
      return isDone;
    } catch (error) {
      this.#log.warn({ reason: messageOf(error) }, "pruning failed; it is tried again later");
      return true;
    }
  }

  /**
   * Completions acknowledged before this time can be deleted, even if the clock is wrong now;
   * undefined means none.
   */
  #surelyOver(now: number): number | undefined {
    const last = lookOf(this.#notes.get(lookName));
    const hasGoneOn = last !== undefined && last.at <= now;
    if (hasGoneOn && now - last.at < betweenRoundsMs) return undefined;
    const look: Look = { limit: now - keepAcknowledgedMs, at: now };
    this.#notes.set(lookName, JSON.stringify(look));
    return hasGoneOn ? Math.min(last.limit, look.limit) : undefined;
  }

  /** Prunes nothing more. A server that lived for less than the first wait takes some steps here. */
  close(): void {
    this.#timer.cancel();
    if (this.#hasPruned) return;
    for (let steps = 1; steps < stepsAtEnd && !this.#prune(); steps++);
  }
}

/** The look in a note; undefined if there is none, or if the note is damaged. */
function lookOf(text: string | undefined): Look | undefined {
  try {
    const look = JSON.parse(text ?? "null") as Partial<Look> | null;
    if (typeof look?.limit !== "number" || typeof look.at !== "number") return undefined;
    return { limit: look.limit, at: look.at };
  } catch {
    // The next look is written over it.
    return undefined;
  }
}
