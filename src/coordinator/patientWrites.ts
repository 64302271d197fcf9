// Writes for accepted runs, in order: at once, or as soon as another program that holds the
// database has released it. Everything else goes on meanwhile.
import { waitAfter } from "../base/backOff.js";
import type { Clock, Timer } from "../base/clock.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { Database } from "../storage/database.js";
import type { GroupCommit } from "../storage/groupCommit.js";
import { isDiskTrouble } from "../storage/storageError.js";
import { CollectedWrites, inOrder } from "./collectedWrites.js";
import { EarlyWrites } from "./earlyWrites.js";
import { StoredWaiters } from "./storedWaiters.js";

const retries = { firstMs: 10, mostMs: 100 };
/** How long a caller that needs the data on disk waits for another program, in milliseconds. */
const patienceMs = 60_000;

type Write = () => void;

/** Thrown so that a transaction keeps nothing. */
const rolledBack = new Error("this transaction only looks");

/** A write that waits, and whether no power cut may lose it. */
interface Waiting {
  readonly write: Write;
  readonly isDurable: boolean;
}

/** What patient writes need. */
export interface PatientWritesOptions {
  readonly database: Pick<Database, "writePart" | "joinDurable" | "afterCommit">;
  readonly commits: Pick<GroupCommit, "join" | "isShared">;
  readonly clock: Clock;
  /** Whoever looks at these makes what waits for a shared commit. */
  readonly subjects?: readonly string[];
  /** Throws if nothing may be written any more. It is called in the transaction of each write. */
  refuse?(): void;
}

/** The writes of one run, including those of its sub-tasks. */
export class PatientWrites {
  readonly #options: PatientWritesOptions;
  #waiting: Waiting[] = [];
  /** What is written together. */
  readonly #collected = new CollectedWrites();
  /** What is made in the commit of the next write, and what is told of it. */
  readonly early: EarlyWrites;
  #attempts = 0;
  #waitedMs = 0;
  #timer: Timer | undefined;
  #failure: unknown;
  readonly #stored = new StoredWaiters();
  #isClosed = false;

  constructor(options: PatientWritesOptions) {
    this.#options = options;
    this.early = new EarlyWrites({
      ...options,
      refuse: () => this.refuse(),
      isBehind: () => this.#waiting.length > 0,
      writeNow: () => this.tryWaiting(),
      lost: (error) => {
        this.#failure ??= error;
        this.#stored.reject(error);
      },
    });
  }

  /**
   * Writes, behind what waits already. Throws what is in the way beside another program, from then on at
   * every call where a write that had waited has failed so.
   */
  write(write: Write, isDurable = false): void {
    this.#throwFailure();
    if (this.#collected.takes(write)) return;
    const early = this.early.take();
    try {
      this.#makeOrWait({
        write: inOrder([...early.map((one) => () => this.early.make(one)), write]),
        isDurable,
      });
    } catch (error) {
      this.early.giveBack(early, error);
      throw error;
    }
    this.early.tell(early);
  }

  #makeOrWait(waiting: Waiting): void {
    if (this.#waiting.length > 0) {
      this.#waiting.push(waiting);
      return;
    }
    try {
      this.#make(waiting);
    } catch (error) {
      if (!isHeldElsewhere(error)) throw error;
      this.#waiting.push(waiting);
      this.#rest();
    }
  }

  /** Whether a write would be made now: no other program holds the database. Throws as a write does. */
  wouldWrite(): boolean {
    this.#throwFailure();
    if (this.#waiting.length > 0) return false;
    try {
      this.#options.database.writePart(() => {
        this.#options.refuse?.();
        throw rolledBack;
      });
    } catch (error) {
      if (error === rolledBack) return true;
      if (!isHeldElsewhere(error)) throw error;
    }
    return false;
  }

  /**
   * Makes a write in the commit of the next one, before that, or in the one that ends the run. It waits
   * for a few turns of the event loop at most: then it is made in the next shared commit. `told` is
   * called after it. If it can never be made, `onLost` is called, and all further writes fail.
   */
  writeSoon(write: Write, told: () => void = () => {}, onLost?: (error: unknown) => void): void {
    this.#throwFailure();
    if (!this.#collected.takes(write, told)) this.early.addBriefly(write, told, onLost);
  }

  /** See {@link GroupCommit.isShared}. */
  get isShared(): boolean {
    return this.#options.commits.isShared;
  }

  /** Whether writes are collected: see {@link together}. */
  get isCollecting(): boolean {
    return this.#collected.isOpen;
  }

  /** Makes what waits for the next write, now. */
  writeWaiting(): void {
    if (this.early.isWaiting) this.write(() => {});
  }

  /**
   * Makes a write in the commit of the next one, before that; in the one that ends the run; or in one of
   * its own, if neither comes within a quarter of a second. `told` is called after it, unless the run ends
   * with it.
   */
  writeLater(write: Write, told?: () => void): void {
    this.#throwFailure();
    this.early.add(write, told);
  }

  /** As {@link writeWaiting}, if that can be made; it is told then. */
  tryWaiting(): void {
    if (this.#isClosed || !this.early.isWaiting) return;
    try {
      this.write(() => {});
    } catch {
      // It is still made with the next write, whose caller is told what is in the way.
    }
  }

  /** Makes everything that `work` writes in one commit; if it is durable, no power cut loses it. */
  together(work: () => void, isDurable: boolean): void {
    if (this.#collected.isOpen) {
      work();
      return;
    }
    const collected = this.#collected.during(work);
    if (collected !== undefined) this.write(collected, isDurable);
    this.#collected.tell();
  }

  /** Calls `tell` after what is being written together, and at once if nothing is. */
  thenTell(tell: () => void): void {
    if (!this.#collected.tells(tell)) tell();
  }

  #make({ write, isDurable }: Waiting): void {
    const { database, refuse } = this.#options;
    const all = () => {
      refuse?.();
      write();
    };
    if (isDurable) database.joinDurable(all);
    else if (refuse === undefined) write();
    else database.writePart(all);
  }

  /** Throws if nothing may be written any more, in the present transaction. */
  refuse(): void {
    this.#options.refuse?.();
  }

  /**
   * Resolves once nothing waits for another program any more, or the signal is aborted. Rejects with
   * the error that prevents a write, and with `StorageFailed` if another program has held the database
   * for a minute.
   */
  async stored(signal: AbortSignal): Promise<void> {
    this.#throwFailure();
    if (this.#waiting.length === 0 || signal.aborted) return;
    await this.#stored.wait(signal);
  }

  /**
   * Writes what waits within a transaction that may still be rolled back; `onError` is told of a write
   * that cannot be made for a reason of its own, and may throw.
   */
  writeWithin(onError: (error: unknown) => void): void {
    const { database } = this.#options;
    const early = this.early.withOutcome();
    const written = [...this.#waiting];
    if (written.length + early.length === 0) return;
    const ofEarly = early.map((one) => () => this.early.makeAtEnd(one));
    for (const write of [...written.map((one) => one.write), ...ofEarly]) {
      try {
        write();
      } catch (error) {
        onError(error);
      }
    }
    database.afterCommit(() => {
      this.#waiting = this.#waiting.filter((write) => !written.includes(write));
      this.early.made(early);
      this.#settle();
    });
  }

  /** Writes nothing more. Waiting writes are lost. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.early.close();
    this.#waiting = [];
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #rest(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    const wait = waitAfter(++this.#attempts, retries);
    this.#timer = this.#options.clock.after(wait, () => {
      this.#timer = undefined;
      // Time in which the process slept is not counted.
      this.#waitedMs += wait;
      this.#again();
    });
  }

  #again(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      try {
        // In a transaction, so that nothing is worked out while the database is still held.
        if (next.isDurable) this.#make(next);
        else this.#options.database.writePart(() => this.#make(next));
      } catch (error) {
        if (!isHeldElsewhere(error)) {
          // If the disk refuses, the write is tried again with the run's outcome.
          if (!isDiskTrouble(error)) this.#waiting.shift();
          this.#failure = error;
          this.#stored.reject(error);
          return;
        }
        if (this.#waitedMs >= patienceMs) this.#stored.reject(error);
        this.#rest();
        return;
      }
      this.#waiting.shift();
    }
    this.#settle();
  }

  #settle(): void {
    if (this.#waiting.length > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#attempts = 0;
    this.#waitedMs = 0;
    this.#stored.resolve();
  }
}
