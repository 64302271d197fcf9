// Stops runs for a client (protocol.md section 4, Cancelling): those of this server, and those that wait
// for one.
import { messageOf } from "../base/errors.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Result } from "../protocol/registry.js";
import { isWaiting, type RunRow } from "../storage/runStore.js";
import { isDiskTrouble } from "../storage/storageError.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { coveredBy } from "./coveredRuns.js";
import type { JoiningRuns } from "./joiningRuns.js";
import type { OpenRuns } from "./openRuns.js";
import { type RunAdmission, sessionBusy } from "./runAdmission.js";
import { runLog } from "./runLog.js";
import type { SessionQueue } from "./sessionQueue.js";
import { idle, isBusy, type SessionInput, type SessionState } from "./sessionState.js";
import type { SessionSteps } from "./sessionSteps.js";

/** What is needed to stop runs. */
export interface StopParts {
  readonly open: OpenRuns;
  readonly steps: SessionSteps;
  readonly admission: RunAdmission;
  readonly joining: JoiningRuns;
  readonly queue: SessionQueue;
  /** When this returns, nothing waits for its commit any more. */
  settle(): void;
  apply(sessionId: string, input: SessionInput): void;
}

type Cancelled = Result<"cancelSession">["cancelled"][number];

/** Stops the runs of one workspace's sessions. */
export class SessionStops {
  readonly #options: CoordinatorOptions;
  readonly #parts: StopParts;

  constructor(options: CoordinatorOptions, parts: StopParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** See `Coordinator.cancelSession`. */
  cancelSession(sessionId: string): Cancelled[] {
    const { joining, open, admission, queue } = this.#parts;
    this.#parts.settle();
    // A stop stops: what could not be accepted before it is not accepted after it.
    joining.withdraw(sessionId);
    const waited = queue.waiting.endAll(sessionId, "user");
    if (waited.length > 0) return waited.map((run) => ({ ...idOf(run), was: "waiting" }));
    const state = this.#here(sessionId);
    if (state === undefined) {
      admission.refuseIfOwnedElsewhere(sessionId);
      return [];
    }
    this.#parts.apply(sessionId, { type: "cancel" });
    return coveredBy(state, open.joinedTo(state));
  }

  /** See `Coordinator.cancelRun`. */
  cancelRun(known: RunRow): Result<"cancelRun">["outcome"] {
    const { open, admission, queue } = this.#parts;
    if (known.state === "completed") return "alreadyCompleted";
    this.#parts.settle();
    const row = queue.waiting.seen(known);
    if (row.state === "completed") return "alreadyCompleted";
    if (isWaiting(row)) {
      if (row.joinedTo !== undefined) return "joined";
      const isEnded = queue.waiting.end(row, "user");
      if (isEnded) return row.hasBegun ? "stopping" : "cancelledBeforeStart";
    }
    this.#here(row.sessionId);
    const run = open.at(row.position);
    if (run === undefined) {
      admission.refuseIfOwnedElsewhere(row.sessionId);
      return "alreadyCompleted";
    }
    if (run.hasJoined) return "joined";
    const outcome = run.hasBegun ? "stopping" : "cancelledBeforeStart";
    this.#parts.apply(row.sessionId, { type: "cancelRun", position: row.position });
    return outcome;
  }

  /** What runs or waits on a session in this server, or can be taken over; undefined: nothing does. */
  #here(sessionId: string): SessionState | undefined {
    const { steps, queue } = this.#parts;
    this.#parts.settle();
    queue.adoption.takeOver(sessionId);
    return steps.known(sessionId);
  }

  /** See `Coordinator.deleteSessions`. */
  deleteSessions(sessionIds: readonly string[]): void {
    const { joining, admission, queue } = this.#parts;
    this.#parts.settle();
    for (const id of sessionIds) {
      queue.waiting.endAll(id, "deleted");
      if (isBusy(this.#here(id) ?? idle) || joining.has(id)) throw sessionBusy();
      admission.refuseIfOwnedElsewhere(id);
    }
    for (const id of sessionIds) this.#parts.apply(id, { type: "close", cause: "deleted" });
    // Another server may have accepted a run since the look.
    if (!this.#options.sessions.delete(sessionIds)) throw sessionBusy();
  }

  /**
   * Aborts a run. That it was cancelled is written down if it would go on after a loss: a server that
   * dies now must not make the next one go on with it.
   */
  abort(run: AcceptedRun, cause: RunCause): void {
    const { database, goingOn, owed } = this.#options;
    const { position } = run.ref;
    run.cancel(cause);
    if (!run.goesOn) return;
    const write = () => goingOn.noteCancel(position, cause);
    try {
      database.write(write);
    } catch (error) {
      if (!isDiskTrouble(error)) throw error;
      const log = runLog(run, this.#options);
      log.warn({ reason: messageOf(error) }, "a cancel could not be noted yet");
      owed.owe(write);
    }
  }
}

function idOf({ runId }: { readonly runId?: string }): { runId?: string } {
  return runId === undefined ? {} : { runId };
}
