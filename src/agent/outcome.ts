import { defined } from "../base/defined.js";
import { DomainError, messageOf } from "../base/errors.js";
import { isRunErrorName, type RunErrorName } from "../base/runErrors.js";
import type { TurnOutcome } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";
import type { RunCause } from "../protocol/objects/run.js";

/** Why a turn failed: a message for a person, a name for a program, and the cause. */
export interface TurnFailure {
  readonly errorName: RunErrorName;
  readonly message: string;
  readonly cause: RunCause;
}

/** The message of an outcome. */
export interface OutcomeMessage {
  readonly id: string;
  readonly parts: readonly Part[];
}

/** The text of a message: its text parts, one after another. */
function textOf(parts: readonly Part[]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

export function succeeded(message: OutcomeMessage): TurnOutcome {
  return { status: "succeeded", messageId: message.id, text: textOf(message.parts) };
}

export function cancelled(message: OutcomeMessage): TurnOutcome {
  return { status: "cancelled", messageId: message.id, text: textOf(message.parts) };
}

/** @param message the last assistant message, if there is one. */
export function failed(failure: TurnFailure, message?: OutcomeMessage): TurnOutcome {
  return {
    status: "failed",
    ...defined({ messageId: message?.id }),
    text: textOf(message?.parts ?? []),
    error: failure.message,
    errorName: failure.errorName,
    cause: failure.cause,
  };
}

/** The failure of a model that could not be loaded. */
export function loadFailure(error: unknown): TurnFailure {
  const name = error instanceof DomainError ? error.name : "EngineFailed";
  const errorName = isRunErrorName(name) ? name : "EngineFailed";
  return { errorName, message: messageOf(error), cause: "internal" };
}
