// Gives memory back to the system when the process has nothing to do. V8 collects garbage only while
// something allocates, so a process at rest would keep all that its last work took.
import { setFlagsFromString } from "node:v8";
import { measureMemory } from "node:vm";
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";

/** How long after the first sign of rest the first collection begins, in milliseconds. */
export const restMs = 1_000;
/**
 * How long after the first collection the second begins, in milliseconds: V8 makes the space for new
 * objects smaller only if it has seen few of them for five seconds.
 */
export const againMs = 6_000;
/** How long a collection may take until its effect is looked at, in milliseconds. */
export const settledMs = 1_000;
/** How often V8 may be asked for its empty pages, once each {@link settledMs}: it looks every eight seconds. */
const mostLooks = 10;

const mb = 1024 * 1024;
/** The heap of a process that has just started; no smaller one is collected. */
const startBytes = 32 * mb;
/** By how much the heap must have grown since the last rest. */
const growthBytes = 16 * mb;
/** More than this beside the heap are V8's empty pages: the program, its libraries and buffers have less. */
const besideBytes = 96 * mb;

/** The length of an array, of eight bytes each, that makes the heap look as if it had grown. */
const grownSlots = 3_000_000;

/** The memory of this process, and what can be done about it. */
export interface ProcessMemory {
  /** The size of the heap, and what is resident beside it, in bytes. */
  sizes(): { readonly heap: number; readonly beside: number };
  /**
   * Collects garbage in small steps between other work; with `asGrown`, V8 takes the heap for one that
   * has grown. Resolves once that is done.
   */
  collect(asGrown?: boolean): Promise<unknown>;
  /** Whether V8 keeps the empty pages of a heap that got smaller, and may be asked for them. */
  readonly keepsPages: boolean;
  /** Whether V8 gives empty pages back to the system, instead of keeping them for later. */
  preferSmall(isPreferred: boolean): void;
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
  #isSmallPreferred = false;
  #isClosed = false;

  constructor({ clock, log, isBusy, memory = ownMemory }: IdleMemoryOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#isBusy = () => isBusy();
    this.#memory = memory;
  }

  /** Something has been done, and for a moment nothing more. Returns at once, and never throws. */
  afterWork(): void {
    if (this.#isClosed || this.#isBusy()) return;
    if (this.#timer === undefined) this.#begin();
    else this.#wasDisturbed = true;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#prefersSmall(false);
  }

  #begin(): void {
    if (this.#memory.sizes().heap < this.#atRest + growthBytes) return;
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

  #collect(asGrown = false): void {
    this.#memory.collect(asGrown).catch((error: unknown) => {
      this.#log.warn({ reason: messageOf(error) }, "memory could not be given back");
    });
  }

  #rest(): void {
    if (this.#wasDisturbed) {
      this.#begin();
      return;
    }
    const { heap, beside } = this.#memory.sizes();
    this.#atRest = Math.max(heap, startBytes);
    if (beside <= besideBytes || !this.#memory.keepsPages) return;
    this.#prefersSmall(true);
    this.#collect(true);
    this.#askForPages(mostLooks);
  }

  /**
   * V8 12 and newer keep the pages of a heap that got smaller, until a look at the heap finds that it had
   * grown, and that small is preferred.
   */
  #askForPages(looks: number): void {
    this.#timer = this.#clock.after(settledMs, () => {
      this.#timer = undefined;
      const isOver = looks === 1 || this.#isBusy();
      if (!isOver && this.#memory.sizes().beside > besideBytes) {
        this.#askForPages(looks - 1);
        return;
      }
      this.#prefersSmall(false);
      if (this.#wasDisturbed && !this.#isBusy()) this.#begin();
    });
  }

  #prefersSmall(isPreferred: boolean): void {
    if (this.#isSmallPreferred === isPreferred) return;
    this.#isSmallPreferred = isPreferred;
    this.#memory.preferSmall(isPreferred);
  }
}

/** Where somebody has set the flag, it is not ours to change. */
function isSmallChosen(): boolean {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  return /optimize[-_]for[-_]size/.test(given);
}

const ownMemory: ProcessMemory = {
  keepsPages: Number.parseInt(process.versions.v8, 10) >= 12 && !isSmallChosen(),
  sizes() {
    const { rss, heapTotal, external } = process.memoryUsage();
    return { heap: heapTotal, beside: rss - heapTotal - external };
  },
  async collect(asGrown = false) {
    const held = asGrown ? new Array<number>(grownSlots).fill(0) : [];
    await collectGarbage();
    held.length = 0;
  },
  preferSmall(isPreferred) {
    // The flag that V8 has at other times stays as it was: it belongs to the name of compiled code.
    setFlagsFromString(isPreferred ? "--optimize-for-size" : "--no-optimize-for-size");
  },
};

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
