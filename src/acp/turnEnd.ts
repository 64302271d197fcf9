// How a run's completion answers `session/prompt`.
import { type PromptResponse, RequestError, type StopReason } from "@agentclientprotocol/sdk";
import { defined } from "../base/defined.js";
import type { RunComplete } from "../protocol/objects/run.js";

/** The key of Turnwire's own members in `_meta`. */
export const metaKey = "turnwire.dev";

/** The `_meta` that names a run and its completion. */
export function metaOf(completion: RunComplete): Record<string, unknown> {
  const { runId, completionId, cause } = completion;
  return { [metaKey]: { completionId, ...defined({ runId, cause }) } };
}

const stopReasons: Readonly<Record<string, StopReason>> = {
  StepLimit: "max_turn_requests",
  ContentFilter: "refusal",
};

/**
 * The answer to a prompt.
 *
 * @throws RequestError -32603 with exactly `{details}`, where the turn failed.
 */
export function answerOf(completion: RunComplete, wasCut: boolean): PromptResponse {
  const _meta = metaOf(completion);
  if (completion.status === "succeeded") {
    return { stopReason: wasCut ? "max_tokens" : "end_turn", _meta };
  }
  if (completion.status === "cancelled") return { stopReason: "cancelled", _meta };
  const stopReason = stopReasons[completion.errorName ?? ""];
  if (stopReason !== undefined) return { stopReason, _meta };
  throw failure(sentenceOf(completion));
}

/** An error that every editor can show: one line, and `data` with the details alone. */
export function failure(details: string): RequestError {
  const line = details.split(/[\r\n]/, 1)[0] ?? "";
  return new RequestError(-32603, line === "" ? "The turn failed." : line, { details });
}

/** How a turn ended, for a person. */
export function sentenceOf(completion: RunComplete): string {
  if (completion.error !== undefined) return completion.error;
  switch (completion.status) {
    case "succeeded":
      return "The turn succeeded.";
    case "cancelled":
      return "The turn was cancelled.";
    case "interrupted":
      return "The turn was interrupted: the program that ran it ended. Send the prompt again if it is still wanted.";
    case "failed":
      return "The turn failed.";
  }
}
