import { setImmediate } from "node:timers/promises";

/** How long one part of the work may block the event loop, in milliseconds. */
const sliceMs = 10;

/**
 * The items that pass a test, in their order. Long work is done in slices; between them, all other
 * work goes on. Rejects with the signal's reason when it is aborted.
 */
export async function filterInSlices<T>(
  items: readonly T[],
  test: (item: T) => boolean,
  signal: AbortSignal,
): Promise<T[]> {
  const passed: T[] = [];
  let began = performance.now();
  for (const item of items) {
    if (test(item)) passed.push(item);
    if (performance.now() - began < sliceMs) continue;
    await setImmediate();
    signal.throwIfAborted();
    began = performance.now();
  }
  return passed;
}
