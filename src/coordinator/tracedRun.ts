import { traced } from "../base/telemetry.js";
import type { TurnOutcome } from "../engine/engine.js";
import type { AcceptedRun } from "./acceptedRun.js";

/** Takes a run to its outcome, under a span if telemetry is on. */
export function tracedRun(
  run: AcceptedRun,
  workspaceId: string,
  work: () => Promise<TurnOutcome>,
): Promise<TurnOutcome> {
  return traced(
    "run",
    () => ({ ...run.request, ...run.ref, workspaceId }),
    work,
    ({ status, ...outcome }) => ({
      cause: run.cause,
      ...outcome,
      status: run.hasParked ? "parked" : status,
      usage: run.recorder?.usage,
    }),
  );
}
