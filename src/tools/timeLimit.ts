// Bounds synchronous work that input can make endless: a regular expression that backtracks, a
// glob, a page to convert. JavaScript cannot interrupt itself; V8 can, for code run by `vm`.
import { createContext, Script } from "node:vm";
import { ToolFailure } from "./failure.js";

const callJob = new Script("job()");

/**
 * Runs `work` and returns what it returns. The event loop stands still meanwhile, for `ms`
 * milliseconds at most: work that takes longer is interrupted wherever it is.
 * @throws ToolFailure with `message` when it was interrupted, and whatever `work` throws.
 */
export function withinTimeLimit<T>(ms: number, message: string, work: () => T): T {
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

/** The error may come from another realm, so that `instanceof Error` would not know it. */
function isTimeout(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("code" in error)) return false;
  return error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
