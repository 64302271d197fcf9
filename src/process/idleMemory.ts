// Gives memory back to the system when the process has nothing to do. V8 collects garbage only while
// something allocates, so a process at rest would keep all that its last work took.
import { measureMemory } from "node:vm";
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { emptyPages } from "./emptyPages.js";

/** How long after the first sign of rest the first collection begins, in milliseconds. */
export const restMs = 1_000;
/**
 * How long after the first collection the second begins, in milliseconds: V8 makes the space for new
 * objects smaller only if it has seen few of them for five seconds.
 */
export const againMs = 6_000;
/** How long a collection may take until its effect is looked at, in milliseconds. */
export const settledMs = 1_000;

const mb = 1024 * 1024;
/** The heap of a process that has just started; no smaller one is collected. */
const startBytes = 32 * mb;
/** By how much the heap must have grown since the last rest. */
const growthBytes = 16 * mb;
/** More than this beside the heap are V8's empty pages: the program, its libraries and buffers have less. */
const besideBytes = 96 * mb;
/** What the program, its libraries and buffers have beside the heap, about. */
const programBytes = 72 * mb;

/** The memory of this process, and what can be done about it. */
export interface ProcessMemory {
  /** The size of the heap, and what is resident beside it, in bytes. */
  sizes(): { readonly heap: number; readonly beside: number };
  /** Collects garbage in small steps between other work. Resolves once that is done. */
  collect(): Promise<unknown>;
  /** Whether V8 keeps the empty pages of a heap that got smaller, and may be asked for them. */
  readonly keepsPages: boolean;
  /**
   * Has V8 give empty pages back to the system, so long as `isWanted` says so. Resolves once that is
   * done, or was not possible.
   */
  givePagesBack(isWanted: () => boolean): Promise<unknown>;
}

/** What is needed to give memory back. */
export interface IdleMemoryOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether something is going on. */
  isBusy(): boolean;
  readonly memory?: ProcessMemory;
}

/**
 * Collects garbage after work, twice, and then does nothing more until it is told of work again. It never
 * begins while something is going on, nor where the heap has hardly grown since the last time.
 */
export class IdleMemory {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #isBusy: () => boolean;
  readonly #memory: ProcessMemory;
  /** The size of the heap at the last rest, in bytes. */
  #atRest = startBytes;
  #timer: Timer | undefined;
  #wasDisturbed = false;
  /** Whether the two collections that are under way are the second such pair. */
  #isAgain = false;
  #isGivingPagesBack = false;
  #isClosed = false;

  constructor({ clock, log, isBusy, memory = new OwnMemory() }: IdleMemoryOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#isBusy = () => isBusy();
    this.#memory = memory;
  }

  /** Something has been done, and for a moment nothing more. Returns at once, and never throws. */
  afterWork(): void {
    if (this.#isClosed || this.#isBusy()) return;
    if (this.#timer !== undefined || this.#isGivingPagesBack) {
      this.#wasDisturbed = true;
      return;
    }
    this.#isAgain = false;
    this.#begin();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #begin(): void {
    if (!this.#hasGrown) return;
    this.#after(restMs, () => {
      this.#wasDisturbed = false;
      this.#collect();
      this.#after(againMs, () => {
        this.#collect();
        this.#after(settledMs, () => this.#rest());
      });
    });
  }

  /** What a run interrupts is begun again after it: its end is work that has been done. */
  #after(ms: number, step: () => void): void {
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = undefined;
      if (!this.#isBusy()) step();
    });
  }

  #collect(): void {
    this.#memory.collect().catch((error: unknown) => this.#warn(error));
  }

  #warn(error: unknown): void {
    this.#log.warn({ reason: messageOf(error) }, "memory could not be given back");
  }

  get #hasGrown(): boolean {
    return this.#memory.sizes().heap >= this.#atRest + growthBytes;
  }

  /**
   * A turn that came between the collections may have left more than they could take, and V8 may have kept its
   * space for new objects, because of what it saw of them before. So there is one more pair; after that, what
   * is still there is in use.
   */
  #rest(): void {
    if (this.#hasGrown && !this.#isAgain) {
      this.#isAgain = true;
      this.#begin();
      return;
    }
    this.#isAgain = false;
    this.#wasDisturbed = false;
    this.#atRest = this.#heapAtRest;
    if (this.#hasEmptyPages && this.#memory.keepsPages) void this.#givePagesBack();
  }

  get #heapAtRest(): number {
    return Math.max(this.#memory.sizes().heap, startBytes);
  }

  get #hasEmptyPages(): boolean {
    return this.#memory.sizes().beside > besideBytes;
  }

  async #givePagesBack(): Promise<void> {
    this.#isGivingPagesBack = true;
    try {
      await this.#memory.givePagesBack(
        () => !this.#isClosed && !this.#isBusy() && this.#hasEmptyPages,
      );
    } catch (error) {
      this.#warn(error);
    }
    this.#isGivingPagesBack = false;
    this.#atRest = this.#heapAtRest;
    if (this.#wasDisturbed) this.afterWork();
  }
}

class OwnMemory implements ProcessMemory {
  readonly keepsPages = emptyPages.areKept;
  readonly collect = collectGarbage;

  sizes() {
    const { rss, heapTotal, external } = process.memoryUsage();
    return { heap: heapTotal, beside: rss - heapTotal - external };
  }

  async givePagesBack(isWanted: () => boolean): Promise<void> {
    const { beside } = this.sizes();
    await emptyPages.giveBack(beside - programBytes, isWanted);
    await collectGarbage();
  }
}

/**
 * Measuring memory is the one way to ask V8 for a collection in small steps. What `gc()` or an inspector
 * begins is done in one piece, and holds the event loop for 30 to 200 ms.
 */
function collectGarbage(): Promise<unknown> {
  const { emitWarning } = process;
  // Node would write to stderr that this function is experimental.
  process.emitWarning = () => {};
  try {
    return measureMemory({ execution: "eager" });
  } finally {
    process.emitWarning = emitWarning;
  }
}
