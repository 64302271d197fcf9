/** How `turnwire run` ends: the output for a program, and the exit code. */
import { DomainError, messageOf } from "../base/errors.js";
import { ConnectionLostError, TurnwireRpcError } from "../client/errors.js";
import type { Part } from "../protocol/objects/message.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent } from "../protocol/registry.js";
import { exitCodes } from "./runOptions.js";
import { BadPrompt } from "./runPrompt.js";

/** The end of a run without a completion: it was never accepted, or its server is gone. */
export interface EarlyEnd {
  readonly status: "failed" | "cancelled";
  readonly cancelled: boolean;
  readonly text: "";
  readonly error: string;
  readonly errorName: string;
  readonly cause: "user" | "limit" | "internal";
}

/** What stopped the run on the side of the command line. */
export type Stop = "interrupt" | "timeout" | "nobody reads";

/** The limits that a run can reach; a provider's limits have other names. */
const limits: ReadonlySet<string> = new Set([
  "StepLimit",
  "BudgetExceeded",
  "TimeLimit",
  "ToolLoop",
]);

/** Tools that change nothing and start nothing. */
const readOnlyTools: ReadonlySet<string> = new Set(
  "read ls glob grep todos jobOutput task".split(" "),
);

/** Watches whether a run did more than read. */
export class Deeds {
  #hasActed = false;

  /** Whether a tool that does more than read has completed. */
  get hasActed(): boolean {
    return this.#hasActed;
  }

  /** Takes one event. */
  take(event: LossyEvent): void {
    if (event.method !== "messageUpdated" && event.method !== "messageCreated") return;
    this.#hasActed ||= event.params.message.parts.some(isDeed);
  }
}

function isDeed(part: Part): boolean {
  return part.type === "toolCall" && part.state === "completed" && !readOnlyTools.has(part.name);
}

/**
 * The completion as `turnwire run` shows it: a run that `--timeout` cancelled has reached a limit.
 */
export function toldCompletion(
  completion: RunComplete,
  stoppedBy: Stop | undefined,
  timeoutSeconds: number | undefined,
): RunComplete {
  if (stoppedBy !== "timeout" || completion.status !== "cancelled") return completion;
  const error = timeoutText(timeoutSeconds);
  return {
    ...completion,
    status: "failed",
    cancelled: false,
    cause: "limit",
    errorName: "TimeLimit",
    error,
  };
}

/** The end of a run without a completion, made from the error. */
export function earlyEnd(
  error: unknown,
  stoppedBy: Stop | undefined,
  timeoutSeconds: number | undefined,
): EarlyEnd {
  const failed = { status: "failed", cancelled: false, text: "" } as const;
  if (stoppedBy === "timeout") {
    const told = timeoutText(timeoutSeconds);
    return { ...failed, error: told, errorName: "TimeLimit", cause: "limit" };
  }
  if (stoppedBy !== undefined) {
    const told = "cancelled before there was a completion";
    return {
      status: "cancelled",
      cancelled: true,
      text: "",
      error: told,
      errorName: "RequestCancelled",
      cause: "user",
    };
  }
  return { ...failed, error: explain(error), errorName: nameOf(error), cause: "internal" };
}

/**
 * The exit code of an end, without regard to stdout. `error` is the error instead of a completion.
 */
export function exitCodeOf(
  end: Pick<RunComplete, "status" | "cause" | "errorName" | "denials"> | EarlyEnd,
  deeds: Deeds,
  error?: unknown,
): number {
  const { status, cause, errorName = "" } = end;
  if (error instanceof BadPrompt && status === "failed") return exitCodes.usage;
  if (status === "cancelled") return exitCodes.cancelled;
  if (cause === "limit" && limits.has(errorName)) return exitCodes.limit;
  if (errorName === "PermissionDenied") return exitCodes.denied;
  if (status !== "succeeded") return exitCodes.failed;
  const wasDenied = "denials" in end && (end.denials ?? 0) > 0;
  return wasDenied && !deeds.hasActed ? exitCodes.denied : exitCodes.succeeded;
}

function timeoutText(seconds: number | undefined): string {
  return `timeout: cancelled after ${seconds} s; see --timeout`;
}

function nameOf(error: unknown): string {
  if (error instanceof BadPrompt) return "InvalidParams";
  const isNamed =
    error instanceof DomainError ||
    error instanceof TurnwireRpcError ||
    error instanceof ConnectionLostError;
  return isNamed ? error.name : "InternalError";
}

/** One line for a person. */
export function explain(error: unknown): string {
  return messageOf(error).replace(/\s+/g, " ").trim();
}
