// Limits the time of synchronous work that its input can make endless, such as a regular expression
// that backtracks. JavaScript cannot interrupt itself, but V8 can interrupt code that runs in `vm`.
import { setImmediate } from "node:timers/promises";
import { createContext, Script } from "node:vm";
import { ToolFailure } from "./failure.js";

const callJob = new Script("job()");

/**
 * Runs `work` and returns what it returns. This blocks the event loop for at most `ms`
 * milliseconds. Work that takes longer is interrupted at any point.
 * @throws ToolFailure with `message` when it was interrupted, and every error of `work`.
 */
function withinTimeLimit<T>(ms: number, message: string, work: () => T): T {
  let result: { value: T } | undefined;
  const job = () => {
    result = { value: work() };
  };
  try {
    callJob.runInContext(createContext({ job }), { timeout: ms });
  } catch (error) {
    if (isTimeout(error)) throw new ToolFailure(message, { cause: error });
    throw error;
  }
  if (result === undefined) throw new Error("the work did not run");
  return result.value;
}

/** How long one batch of work may block the event loop, in milliseconds. */
const batchMs = 40;
const batchSize = 200;
/** How much processor time a batch may take in all its tries, in milliseconds: nearly three whole ones. */
const mostWorkedMs = 100;
/** On a busy machine a try can end before its work was given a processor: such tries are bounded alone. */
const mostTries = 30;

/**
 * Like {@link withinTimeLimit}, for work on many items. It is done in batches, each within 40 ms;
 * between two batches all other work goes on. Resolves with the results of the batches, in order.
 * @throws ToolFailure with `message` when a batch was interrupted, unless the machine did other things meanwhile.
 */
export async function inLimitedBatches<T, R>(
  items: readonly T[],
  message: string,
  work: (batch: readonly T[]) => readonly R[],
): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += batchSize) {
    if (at > 0) await wholeTurn();
    const batch = items.slice(at, at + batchSize);
    for (const result of await triedBatch(batch, message, work)) results.push(result);
  }
  return results;
}

async function triedBatch<T, R>(
  batch: readonly T[],
  message: string,
  work: (batch: readonly T[]) => readonly R[],
): Promise<readonly R[]> {
  let workedMs = 0;
  for (let tries = 1; ; tries++) {
    const begun = process.cpuUsage();
    try {
      return withinTimeLimit(batchMs, message, () => work(batch));
    } catch (error) {
      const { user, system } = process.cpuUsage(begun);
      workedMs += (user + system) / 1000;
      const isEnough = workedMs > mostWorkedMs || tries === mostTries;
      if (!isInterruption(error) || isEnough) throw error;
      await wholeTurn();
    }
  }
}

/** What began among the events of a turn goes on among its immediates, before any timer: so it waits for two. */
async function wholeTurn(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

function isInterruption(error: unknown): boolean {
  return error instanceof ToolFailure && isTimeout(error.cause);
}

/** The error may come from another realm, where `instanceof Error` does not work. */
function isTimeout(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("code" in error)) return false;
  return error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
