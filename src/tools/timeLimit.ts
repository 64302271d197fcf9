// Bounds synchronous work that input can make endless: a regular expression that backtracks.
// JavaScript cannot interrupt itself; V8 can, for code run by `vm`.
import { setImmediate } from "node:timers/promises";
import { createContext, Script } from "node:vm";
import { ToolFailure } from "./failure.js";

const callJob = new Script("job()");

/**
 * Runs `work` and returns what it returns. The event loop stands still meanwhile, for `ms`
 * milliseconds at most: work that takes longer is interrupted wherever it is.
 * @throws ToolFailure with `message` when it was interrupted, and whatever `work` throws.
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

/** The event loop stands still for one batch of work so long at most, in milliseconds. */
const batchMs = 40;
const batchSize = 200;
/** A machine that is busy with something else interrupts fair work, too; hardly so often in a row. */
const mostTries = 3;

/**
 * As {@link withinTimeLimit}, for work on many items: it is done in batches, each within 40 ms, and
 * between two of them everything else goes on. Resolves with what the batches gave, in order.
 * @throws ToolFailure with `message` when a batch was interrupted three times.
 */
export async function inLimitedBatches<T, R>(
  items: readonly T[],
  message: string,
  work: (batch: readonly T[]) => readonly R[],
): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += batchSize) {
    if (at > 0) await setImmediate();
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
  for (let tries = 1; ; tries++) {
    try {
      return withinTimeLimit(batchMs, message, () => work(batch));
    } catch (error) {
      if (!(error instanceof ToolFailure) || tries === mostTries) throw error;
      await setImmediate();
    }
  }
}

/** The error may come from another realm, so that `instanceof Error` would not know it. */
function isTimeout(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("code" in error)) return false;
  return error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
