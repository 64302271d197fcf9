// Writes of a run that go with its next one, so that they cost no commit of their own.
import type { Clock, Timer } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { isDamage } from "../storage/damage.js";
import type { Database } from "../storage/database.js";
import type { GroupCommit, SharedWork } from "../storage/groupCommit.js";
import { isDiskTrouble } from "../storage/storageError.js";

/** How long one waits at most for the next write, in milliseconds. */
const laterMs = 250;

/** In the end of a run a write that meets a damaged place is tried so often: the end must be written. */
const mostTriesAtEnd = 8;

/** A write that goes with the next one. */
export interface EarlyWrite {
  readonly write: () => void;
  /** What is called after it, in order. Must not throw. */
  readonly tells: (() => void)[];
  /** Whether it is told where the run ends with it, too. */
  readonly isToldAtEnd?: true;
  /** Called if it can never be made; nothing is told of it then. */
  readonly onLost?: (error: unknown) => void;
  /** How often it could not be made with the end of the run. */
  failures?: number;
  isLost?: true;
}

/** What early writes need of the writes that they belong to. */
export interface EarlyWritesOptions {
  readonly clock: Clock;
  /** What the writes of other runs share a commit with. */
  readonly commits: Pick<GroupCommit, "join">;
  readonly database: Pick<Database, "afterCommit">;
  /** See {@link SharedWork.subjects}. */
  readonly subjects?: readonly string[];
  /** Throws if nothing may be written any more. It is called in the transaction. */
  refuse(): void;
  /** Whether other writes of the run wait, which must be made before. */
  isBehind(): boolean;
  /** Makes a write, with what waits here; it must not throw. */
  writeNow(): void;
  /** One of them can never be made. */
  lost(error: unknown): void;
}

/** What waits for the next write of a run. */
export class EarlyWrites {
  readonly #options: EarlyWritesOptions;
  #list: EarlyWrite[] = [];
  /** The newest one of those that are told at the end, until it is told. */
  #untold: EarlyWrite | undefined;
  /** Why one of them can never be made. */
  #loss: { readonly error: unknown } | undefined;
  /** The one that is being made. */
  #making: EarlyWrite | undefined;
  #timer: Timer | undefined;
  /** What makes them in the next shared commit. */
  #joined: SharedWork | undefined;

  constructor(options: EarlyWritesOptions) {
    this.#options = options;
  }

  /** Whether something waits. */
  get isWaiting(): boolean {
    return this.#list.length > 0;
  }

  /** Whether something that was written with {@link addBriefly} has not been told yet. */
  get isUntold(): boolean {
    return this.#untold !== undefined;
  }

  /** See {@link PatientWrites.writeSoon}. */
  addBriefly(write: () => void, told: () => void, onLost?: (error: unknown) => void): void {
    this.#untold = { write, tells: [told], isToldAtEnd: true, ...defined({ onLost }) };
    this.#list.push(this.#untold);
    this.#join();
  }

  /** Makes one of them. */
  make(one: EarlyWrite): void {
    this.#making = one;
    one.write();
    this.#making = undefined;
  }

  /**
   * Makes one of them in the transaction that ends the run. One that can never be made does not keep the
   * end from the disk.
   */
  makeAtEnd(one: EarlyWrite): void {
    try {
      this.make(one);
    } catch (error) {
      this.#making = undefined;
      one.failures = (one.failures ?? 0) + 1;
      if (isDamage(error) ? one.failures >= mostTriesAtEnd : !isDiskTrouble(error)) {
        this.#lose(one, error);
      }
      throw error;
    }
  }

  /** Why one of them can never be made, if there is such a one. */
  get loss(): { readonly error: unknown } | undefined {
    return this.#loss;
  }

  /** Throws that, if there is such a one. */
  throwIfLost(): void {
    if (this.#loss !== undefined) throw this.#loss.error;
  }

  /** One of them can never be made: it is told of nowhere. */
  #lose(one: EarlyWrite, error: unknown): void {
    one.isLost = true;
    this.#loss ??= { error };
    // What follows other messages is told behind them.
    const before = this.#list
      .slice(0, this.#list.indexOf(one))
      .findLast(({ isToldAtEnd }) => isToldAtEnd);
    this.#list = this.#list.filter((other) => other !== one);
    if (this.#untold === one) this.#untold = before;
    this.#options.lost(error);
    one.onLost?.(error);
    for (const tell of one.tells.splice(0).slice(1)) {
      if (before === undefined) tell();
      else before.tells.push(tell);
    }
  }

  /** Calls `tell` behind what {@link addBriefly} still has to tell, and at once if that is nothing. */
  afterwards(tell: () => void): void {
    if (this.#untold === undefined) tell();
    else this.#untold.tells.push(tell);
  }

  /** Tells what {@link addBriefly} still has to tell, though it is not stored yet. */
  tellNow(): void {
    for (const { isToldAtEnd, tells } of this.#list) {
      if (isToldAtEnd) for (const tell of tells.splice(0)) tell();
    }
    this.#untold = undefined;
  }

  /** These were made. */
  tell(made: readonly EarlyWrite[]): void {
    for (const one of made) {
      if (one.isLost) continue;
      // What is told may bring more to be told behind it.
      for (const tell of one.tells) tell();
      one.tells.length = 0;
      if (this.#untold === one) this.#untold = undefined;
    }
  }

  /** See {@link PatientWrites.writeLater}. */
  add(write: () => void, told?: () => void): void {
    this.#list.push({ write, tells: told === undefined ? [] : [told] });
    this.#timer ??= this.#options.clock.after(laterMs, () => {
      this.#timer = undefined;
      this.#over();
    });
  }

  #over(): void {
    if (this.#list.length > 0) this.#options.writeNow();
  }

  /** Those that still wait when the next shared commit is made are written in it. */
  #join(): void {
    if (this.#joined !== undefined) return;
    let taken: EarlyWrite[] = [];
    const giveBack = () => this.giveBack(taken.splice(0));
    const { commits, database, refuse, isBehind } = this.#options;
    const leave = () => {
      if (this.#joined === work) this.#joined = undefined;
    };
    const work: SharedWork = {
      subjects: this.#options.subjects ?? [],
      isDurable: false,
      isNeeded: () => taken.length + this.#list.length > 0 && !isBehind(),
      write: () => {
        // They were taken by a transaction that kept nothing.
        giveBack();
        if (work.isNeeded?.() === false) return;
        taken = [...this.take()];
        try {
          refuse();
          for (const one of taken) this.make(one);
        } catch (error) {
          // The end of the run may be in the same commit, and needs them.
          giveBack();
          throw error;
        }
        // The completion of the run may be told of after the same commit.
        database.afterCommit(() => {
          leave();
          this.tell(taken);
        });
      },
      accepted: () => {
        leave();
        if (isBehind()) this.#over();
        // What came while the commit was being told.
        else if (this.isUntold) this.#join();
      },
      refused: (error) => {
        leave();
        giveBack();
        const { length } = this.#list;
        this.#blame(error);
        // The others can still be made.
        if (this.#list.length < length && this.#list.length > 0) this.#join();
        else this.#over();
      },
    };
    this.#joined = work;
    commits.join(work);
  }

  /** Takes all of them, in order; they are made now. */
  take(): readonly EarlyWrite[] {
    this.#making = undefined;
    return this.#list.splice(0);
  }

  /** They could not be made; with `error`, their transaction is not begun again. */
  giveBack(taken: readonly EarlyWrite[], error?: unknown): void {
    this.#list.unshift(...taken);
    if (error !== undefined) this.#blame(error);
  }

  /** One that failed by itself is lost: made again, it would keep all others from the disk. */
  #blame(error: unknown): void {
    const one = this.#making;
    this.#making = undefined;
    const isItsOwn = isDamage(error) || !isDiskTrouble(error);
    if (one !== undefined && isItsOwn && this.#list.includes(one)) this.#lose(one, error);
  }

  /** Those that are written with the outcome of the run; they wait until {@link made} is called. */
  withOutcome(): readonly EarlyWrite[] {
    return [...this.#list];
  }

  /** These are on disk. */
  made(made: readonly EarlyWrite[]): void {
    this.#list = this.#list.filter((one) => !made.includes(one));
    this.tell(made.filter(({ isToldAtEnd }) => isToldAtEnd));
  }

  /** Drops all of them. */
  close(): void {
    this.#timer?.cancel();
    this.#list = [];
    this.#untold = undefined;
  }
}
