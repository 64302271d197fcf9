// How a turn of an engine ends, in the words of a completion.
import { DomainError } from "../base/errors.js";
import { isRunErrorName, type RunErrorName } from "../base/runErrors.js";
import type { TurnOutcome } from "../engine/engine.js";
import type { FinishReason } from "../protocol/objects/message.js";
import type { RunCause } from "../protocol/objects/run.js";
import { AgentRefused, CannotGoOn, loginAdvice } from "./agentErrors.js";
import { failureText } from "./engineAgent.js";

/** An end: of the last message, and of the run. */
export interface TurnEnd {
  readonly finish: FinishReason;
  readonly status: TurnOutcome["status"];
  readonly failure?: {
    readonly message: string;
    readonly errorName: RunErrorName;
    readonly cause: RunCause;
  };
}

export const cancelledEnd: TurnEnd = { finish: "cancelled", status: "cancelled" };

/** A turn that failed. */
export function failedEnd(
  message: string,
  errorName: RunErrorName = "EngineFailed",
  cause: RunCause = "provider",
): TurnEnd {
  const finish = errorName === "ContentFilter" ? "contentFilter" : "error";
  return { finish, status: "failed", failure: { message, errorName, cause } };
}

/** A turn of a lost server that this one cannot go on with. */
function interruptedEnd(message: string): TurnEnd {
  const failure = { message, errorName: "Interrupted", cause: "crash" } as const;
  return { finish: "error", status: "interrupted", failure };
}

/** The end that the agent's answer to a prompt tells. */
export function endOf(stopReason: unknown, engine: string): TurnEnd {
  switch (stopReason) {
    case "end_turn":
      return { finish: "endTurn", status: "succeeded" };
    case "max_tokens":
      return { finish: "maxTokens", status: "succeeded" };
    case "max_turn_requests":
      return failedEnd(
        `The engine ${engine} reached its own limit of model calls.`,
        "StepLimit",
        "limit",
      );
    case "refusal":
      return failedEnd(`The model of the engine ${engine} refused to answer.`, "ContentFilter");
    case "cancelled":
      return cancelledEnd;
    default:
      return failedEnd(`The engine ${engine} ended the turn without saying how.`);
  }
}

/** The end that an error of the agent or its program means. */
export function endByError(error: unknown, engine: string, authMethods: unknown): TurnEnd {
  if (error instanceof AgentRefused && error.wantsLogin) {
    return failedEnd(loginAdvice(engine, authMethods), "ProviderAuth");
  }
  if (error instanceof CannotGoOn) return interruptedEnd(error.message);
  if (error instanceof DomainError) {
    const name = isRunErrorName(error.name) ? error.name : "EngineFailed";
    return failedEnd(error.message, name, "internal");
  }
  return failedEnd(`The engine ${engine} failed: ${failureText(error)}.`);
}
