// Makes the answer to `summarizeSession` from the end of the summary's turn (protocol.md section
// 4).

import { DomainError } from "../base/errors.js";
import { untilAborted } from "../base/untilAborted.js";
import type { AcceptedRun } from "../coordinator/acceptedRun.js";
import type { TurnOutcome } from "../engine/engine.js";
import type { Result } from "../protocol/registry.js";
import type { Caller } from "./caller.js";

/**
 * Waits for a summary's end. If the request is cancelled, it stops waiting, and the summary goes
 * on.
 */
export function outcomeOf(run: AcceptedRun, caller: Caller): Promise<TurnOutcome> {
  return untilAborted(run.ended.promise, caller.signal);
}

/** The answer of `summarizeSession` for the end of its turn; throws if the answer is an error. */
export function summaryOf(outcome: {
  status: string;
  messageId?: string | undefined;
  error?: string | undefined;
  errorName?: string | undefined;
}): Result<"summarizeSession"> {
  if (outcome.status === "succeeded") {
    return outcome.messageId === undefined ? {} : { messageId: outcome.messageId };
  }
  if (outcome.status === "cancelled") {
    throw new DomainError(
      "RequestCancelled",
      "The summary was cancelled; the session is as before.",
    );
  }
  throw new DomainError("EngineFailed", outcome.error ?? "The summary failed.", {
    data: { errorName: outcome.errorName ?? "Interrupted" },
  });
}
