// Finds a text in another, in steps. `indexOf` is the quickest there is, but takes hours for some pairs
// of a large file and a long text, as it compares the whole text at nearly every place. So it looks for
// the beginning alone, which it does in time however bad the text is, and where the rest is compared in
// vain too often, each character is looked at twice at most.
import { setImmediate } from "node:timers/promises";
import type { PiecedText } from "./piecedText.js";

/** As much of a text as `indexOf` can learn from what it compared: it never looks back further. */
const longestBeginning = 250;
/** The characters that are searched at once: few enough to be put together cheaply. */
const unitsPerStep = 65_536;
/** How many characters behind beginnings are compared, before the search goes on the steady way. */
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
  text: PiecedText,
  wanted: string,
  options: PlacesOptions,
): AsyncGenerator<number, void> {
  const { overlapping, signal } = options;
  const pace = new Pace(signal);
  const beginning = wanted.slice(0, longestBeginning);
  let compared = 0;
  let next = 0;
  for (let from = 0; from + wanted.length <= text.length; from += unitsPerStep) {
    signal.throwIfAborted();
    const part = text.slice(from, from + unitsPerStep + beginning.length - 1);
    for (;;) {
      const found = part.indexOf(beginning, Math.max(0, next - from));
      if (pace.isDue) await pace.pause();
      if (found === -1) break;
      const at = from + found;
      if (compared > mostComparisons) {
        yield* steadily(text.whole(), wanted, at, options);
        return;
      }
      const isThere =
        beginning.length === wanted.length || text.slice(at, at + wanted.length) === wanted;
      next = at + (isThere && !overlapping ? wanted.length : 1);
      if (next === at + 1) compared += wanted.length - beginning.length;
      if (isThere) yield at;
    }
  }
}

/** The places from `start` on, with a glance or two at each character. */
async function* steadily(
  text: string,
  wanted: string,
  start: number,
  { overlapping, signal }: PlacesOptions,
): AsyncGenerator<number, void> {
  const pace = new Pace(signal);
  const borders = await bordersOf(wanted, signal);
  let matched = 0;
  for (let at = start; at < text.length; at++) {
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
