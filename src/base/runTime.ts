// The time that a run may take (protocol.md section 4, Bounds of a run). The time in which it waits for a
// person does not count, and neither does a sleep of the process.
import { afterAwake } from "./awakeTime.js";
import type { Clock, Timer } from "./clock.js";

/** Time is counted in pieces of at most this many milliseconds. */
const longestPieceMs = 1_000;

/** The most seconds of a run. */
interface TimeBound {
  readonly most: number;
  /** The name of the option, or of the field of the configuration, that has it. The error names it. */
  readonly field: string;
}

/** Why a run must end. */
interface TimeExceeded {
  readonly errorName: "TimeLimit";
  readonly message: string;
  readonly cause: "limit";
}

/** The time of one run. Without a bound of seconds there is no bound. */
export class RunTime {
  readonly #clock: Clock;
  readonly #bound: TimeBound | undefined;
  #over: AbortController | undefined;
  #leftMs: number;
  #piece: { readonly timer: Timer; readonly begun: number; readonly ms: number } | undefined;
  #waits = 0;

  /** The time begins at once; `usedMs` of it were used before. {@link end} stops it for ever. */
  constructor(clock: Clock, bound: TimeBound | undefined, usedMs = 0) {
    this.#clock = clock;
    this.#bound = bound;
    this.#leftMs = Math.max(0, (bound?.most ?? 0) * 1000 - usedMs);
    if (bound !== undefined) this.#count();
  }

  /** How much of a bounded time is used, in milliseconds; 0 if there is no bound. */
  get usedMs(): number {
    if (this.#bound === undefined || this.#leftMs === Infinity) return 0;
    const { begun, ms } = this.#piece ?? { begun: 0, ms: 0 };
    const running = Math.min(Math.max(0, this.#clock.now() - begun), ms);
    return Math.round(this.#bound.most * 1000 - this.#leftMs + running);
  }

  /** Aborted once the time is over. */
  get signal(): AbortSignal {
    this.#over ??= new AbortController();
    return this.#over.signal;
  }

  /** A signal that is aborted with `signal`, and once the time is over. Most runs have no bound. */
  endOf(signal: AbortSignal): AbortSignal {
    return this.#bound === undefined ? signal : AbortSignal.any([signal, this.signal]);
  }

  /** Why the turn must end. Undefined while there is time. */
  get exceeded(): TimeExceeded | undefined {
    if (!this.#isOver || this.#bound === undefined) return undefined;
    const { most, field } = this.#bound;
    const message = `The turn was ended after ${most} seconds (${field}).`;
    return { errorName: "TimeLimit", message, cause: "limit" };
  }

  /** Waits for a person. This time does not count. */
  async whileWaiting<T>(wait: () => Promise<T>): Promise<T> {
    this.#waits++;
    if (this.#waits === 1) this.#pause();
    try {
      return await wait();
    } finally {
      this.#waits--;
      if (this.#waits === 0) this.#count();
    }
  }

  /** Stops counting. */
  end(): void {
    this.#pause();
    this.#leftMs = Infinity;
  }

  #count(): void {
    const isBounded = this.#bound !== undefined && this.#leftMs !== Infinity;
    if (!isBounded || this.#isOver || this.#piece !== undefined) return;
    const ms = Math.min(this.#leftMs, longestPieceMs);
    const timer = afterAwake(this.#clock, ms, () => this.#counted(ms));
    this.#piece = { timer, begun: this.#clock.now(), ms };
  }

  #counted(ms: number): void {
    this.#piece = undefined;
    this.#leftMs -= ms;
    if (this.#leftMs > 0) {
      this.#count();
      return;
    }
    this.#over ??= new AbortController();
    this.#over.abort(new Error("the run's time is over"));
  }

  get #isOver(): boolean {
    return this.#over?.signal.aborted === true;
  }

  #pause(): void {
    const piece = this.#piece;
    if (piece === undefined) return;
    piece.timer.cancel();
    this.#piece = undefined;
    // If the process slept in the meantime, only one piece is counted.
    this.#leftMs -= Math.min(Math.max(0, this.#clock.now() - piece.begun), piece.ms);
  }
}
