// Finds a text in another. `indexOf` takes hours for some pairs of a large file and a long text, as it
// compares the whole text at nearly every place; this looks at each character twice at most, in steps.
import { setImmediate } from "node:timers/promises";

/** How many comparisons `indexOf` may come to at worst: they take some milliseconds. */
const mostComparisons = 10_000_000;
/** How long one step may take, in milliseconds. */
const stepMs = 10;
/** Characters between two looks at the time. */
const unitsPerLook = 16_384;

/** How places are looked for. */
export interface PlacesOptions {
  /** Whether places may overlap. */
  readonly overlapping: boolean;
  /** When it is aborted, the next place rejects with its reason. */
  readonly signal: AbortSignal;
}

/** The places of `wanted` in a text, from first to last. `wanted` is not empty. */
export async function* placesOf(
  text: string,
  wanted: string,
  { overlapping, signal }: PlacesOptions,
): AsyncGenerator<number, void> {
  const pace = new Pace(signal);
  if (text.length * wanted.length <= mostComparisons) {
    const step = overlapping ? 1 : wanted.length;
    for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + step)) {
      if (pace.isDue) await pace.pause();
      yield at;
    }
    return;
  }
  const borders = await bordersOf(wanted, signal);
  let matched = 0;
  for (let at = 0; at < text.length; at++) {
    matched = grown(matched, text.charCodeAt(at), wanted, borders);
    if (matched === wanted.length) {
      if (pace.isDue) await pace.pause();
      yield at + 1 - matched;
      matched = overlapping ? (borders[matched - 1] ?? 0) : 0;
    }
    if (at % unitsPerLook === 0 && pace.isDue) await pace.pause();
  }
}

/** For each length of a beginning of the text, how long its longest end is that is a beginning too. */
async function bordersOf(wanted: string, signal: AbortSignal): Promise<Int32Array> {
  const borders = new Int32Array(wanted.length);
  const pace = new Pace(signal);
  let matched = 0;
  for (let at = 1; at < wanted.length; at++) {
    matched = grown(matched, wanted.charCodeAt(at), wanted, borders);
    borders[at] = matched;
    if (at % unitsPerLook === 0 && pace.isDue) await pace.pause();
  }
  return borders;
}

/** How much of `wanted` has been found when one character more was looked at. */
function grown(before: number, unit: number, wanted: string, borders: Int32Array): number {
  let matched = before;
  while (matched > 0 && unit !== wanted.charCodeAt(matched)) matched = borders[matched - 1] ?? 0;
  return unit === wanted.charCodeAt(matched) ? matched + 1 : matched;
}

/** Gives the event loop its turn when a step has taken its time. */
export class Pace {
  readonly #signal: AbortSignal;
  #stepEndsAt = performance.now() + stepMs;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get isDue(): boolean {
    return performance.now() >= this.#stepEndsAt;
  }

  /** Rejects with the signal's reason when it is aborted. */
  async pause(): Promise<void> {
    await setImmediate();
    this.#signal.throwIfAborted();
    this.#stepEndsAt = performance.now() + stepMs;
  }
}
