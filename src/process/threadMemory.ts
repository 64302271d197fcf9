// The memory of the threads of this process. `resourceLimits` bounds the heap of a thread, and not the memory
// of its typed arrays, which lies outside of it. Node tells that memory only for a whole process, so this is
// what is watched.
import type { Clock, Timer } from "../base/clock.js";

/** How often the memory is looked at. A thread can fill some hundred megabytes in a second. */
const lookEveryMs = 20;
/** What a thread needs beside its limit: its own program, and what the garbage collector leaves for later. */
const beside = 256;
const bytesPerMb = 1024 * 1024;

/** Tells how many bytes of memory this process has beside those of its main thread. */
export type MeasureMemory = () => number;

/** What a running thread may have, and what happens if it has more. */
interface Watched {
  readonly limitMb: number;
  readonly onExceeded: () => void;
}

/** Watches the memory of all running threads together. */
export class ThreadMemory {
  readonly #clock: Clock;
  readonly #measure: MeasureMemory;
  readonly #watched = new Set<Watched>();
  /** What the process had before the first of the threads began. */
  #before = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, measure: MeasureMemory = besideMainThread) {
    this.#clock = clock;
    this.#measure = measure;
  }

  /**
   * Watches one more thread. Once the threads have more memory than all of them may have together,
   * `onExceeded` of each is called: it cannot be told which of them has it.
   *
   * @returns ends the watch.
   */
  watch(limitMb: number, onExceeded: () => void): () => void {
    if (this.#watched.size === 0) {
      this.#before = this.#measure();
      this.#wait();
    }
    const watched = { limitMb, onExceeded };
    this.#watched.add(watched);
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size === 0) this.#timer?.cancel();
    };
  }

  #wait(): void {
    this.#timer = this.#clock.after(lookEveryMs, () => {
      this.#look();
      this.#wait();
    });
  }

  #look(): void {
    const watched = [...this.#watched];
    const most = watched.reduce((sum, { limitMb }) => sum + limitMb + beside, 0) * bytesPerMb;
    if (this.#measure() - this.#before <= most) return;
    for (const { onExceeded } of watched) onExceeded();
  }
}

function besideMainThread(): number {
  const { rss, heapTotal, external } = process.memoryUsage();
  return rss - heapTotal - external;
}
