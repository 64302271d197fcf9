import { DomainError } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import { isRunErrorName } from "../base/runErrors.js";
import type { TurnOutcome } from "../engine/engine.js";

/** The outcome of a run whose turn could not begin, or threw. An unexpected error is in the log. */
export function failureOutcome(
  error: unknown,
  { ids, log }: { readonly ids: Ids; readonly log: Log },
): TurnOutcome {
  const failed = { status: "failed", text: "", cause: "internal" } as const;
  if (error instanceof DomainError) {
    const errorName = isRunErrorName(error.name) ? error.name : "EngineFailed";
    return { ...failed, error: error.message, errorName };
  }
  const errorId = ids.next("err");
  log.error({ err: error, errorId }, "a run failed");
  const text = `Something unexpected went wrong; the log has it as ${errorId}.`;
  return { ...failed, error: text, errorName: "InternalError" };
}
