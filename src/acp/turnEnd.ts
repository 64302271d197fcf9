// How a run's completion, or a refusal, answers `session/prompt`.
import { type PromptResponse, RequestError, type StopReason } from "@agentclientprotocol/sdk";
import { defined } from "../base/defined.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { RefusedRequest } from "./turnwireConnection.js";

/** The key of Turnwire's own members in `_meta`. */
export const metaKey = "turnwire.dev";

/** The code of a request that was cancelled. */
const requestCancelled = -32800;

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

/** A refusal as an editor can show it. */
export function refused({ refusal, message }: RefusedRequest): RequestError {
  const isOwnFault = ["InvalidParams", "EmptyPrompt", "PathRequired", "PathNotFound"].includes(
    refusal,
  );
  if (!isOwnFault) return failure(message);
  const [line = ""] = message.split(/[\r\n]/, 1);
  return RequestError.invalidParams(undefined, line.replace(/^Invalid params: /, ""));
}

/** Whether the editor has cancelled the request with `$/cancel_request`. */
export function isCancelled({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof RequestError && reason.code === requestCancelled;
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
