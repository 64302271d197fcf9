// Whether a run may be accepted, and the row that makes it so (protocol.md section 4, `sendMessage`,
// steps 6 to 8).
import { DomainError } from "../base/errors.js";
import { telemetry } from "../base/telemetry.js";
import { formatBytes } from "../base/text.js";
import { nobody, type RunRow } from "../storage/runStore.js";
import { isUniqueViolation } from "../storage/storageError.js";
import { promptBytes, promptHash, type RunRequest } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import type { OpenRuns } from "./openRuns.js";
import { optionsText } from "./runOptions.js";
import { termsText } from "./runTerms.js";
import {
  idle,
  isBusy,
  isPaused,
  queueOf,
  type RunRef,
  type SessionState,
  wouldWait,
} from "./sessionState.js";

/** The most prompts that may wait on one session. */
const maxQueued = 1000;
/** The most bytes of all prompts that wait on one session; a single prompt may be larger. */
const maxQueuedBytes = 64 * 1024 * 1024;
/** The most bytes of all prompts of a workspace, if one more is to wait. */
const maxOpenBytes = 256 * 1024 * 1024;

/** What to do about a run that asks for acceptance. */
export type AdmissionPlan =
  | { readonly known: RunRow }
  | {
      /**
       * Writes its row, with the prompt where its queue is paused in `now`, the session's state at that
       * moment; returns its position. Belongs inside the commit that accepts it.
       */
      write(now: SessionState): number;
      /**
       * Why it could not be written, looked at again: the row, where the same run was accepted
       * between the look and the write, perhaps by another server. Throws as {@link RunAdmission.plan}.
       */
      knownAfter(error: unknown): RunRow | undefined;
    };

type AdmissionOptions = Pick<
  CoordinatorOptions,
  | "workspaceId"
  | "serverId"
  | "sessions"
  | "runs"
  | "queues"
  | "goingOn"
  | "checkpoints"
  | "clock"
  | "recoverIfDead"
>;

/** Decides whether runs are accepted. */
export class RunAdmission {
  readonly #options: AdmissionOptions;
  readonly #open: Pick<OpenRuns, "promptBytes" | "allPromptBytes">;

  constructor(options: AdmissionOptions, open: Pick<OpenRuns, "promptBytes" | "allPromptBytes">) {
    this.#options = options;
    this.#open = open;
  }

  /**
   * Checks a run against its session's state. The state is asked for only if the run is new. Writes
   * nothing.
   *
   * @throws DomainError `RunIdConflict`, `SessionBusy`, `QueueFull`: it is not accepted.
   */
  plan(request: RunRequest, state: () => SessionState): AdmissionPlan {
    const hash = promptHash(request);
    const known = this.#findKnown(request, hash);
    if (known !== undefined) return { known };
    this.#refuse(request, state());
    return {
      write: (now) => this.#insert(request, hash, now),
      knownAfter: (error) => (mayBeRaced(error) ? this.#findKnown(request, hash) : undefined),
    };
  }

  #refuse(request: RunRequest, state: SessionState): void {
    this.refuseIfOwnedElsewhere(request.sessionId, state);
    if (request.kind === "summary" && isBusy(state)) throw sessionBusy();
    const waits = wouldWait(state, request.kind);
    if (waits && request.whenBusy === "reject") throw sessionBusy();
    if (queueOf(state).length >= maxQueued) {
      throw new DomainError(
        "QueueFull",
        `${maxQueued} prompts are queued on this session; wait for some to run, or clear the queue.`,
      );
    }
    if (waits) this.#refuseIfTooLarge(request, queueOf(state));
  }

  /**
   * Checks what a queued prompt is to become; `others` wait beside it.
   *
   * @throws DomainError `QueueFull`
   */
  refuseEdit(edited: Pick<RunRequest, "prompt">, others: readonly RunRef[]): void {
    this.#refuseIfTooLarge(edited, others);
  }

  /** A waiting prompt is kept in memory, so many large ones are as bad as a long queue. */
  #refuseIfTooLarge(request: Pick<RunRequest, "prompt">, queue: readonly RunRef[]): void {
    const bytes = promptBytes(request);
    if (queue.length > 0 && this.#open.promptBytes(queue) + bytes > maxQueuedBytes) {
      throw new DomainError(
        "QueueFull",
        `The prompts that are queued on this session would hold more than ${formatBytes(maxQueuedBytes)} with this one (${formatBytes(bytes)}); wait for some to run, or clear the queue.`,
      );
    }
    if (this.#open.allPromptBytes + bytes > maxOpenBytes) {
      throw new DomainError(
        "QueueFull",
        `The prompts of this workspace that run or wait would hold more than ${formatBytes(maxOpenBytes)} with this one (${formatBytes(bytes)}); wait for some to end.`,
      );
    }
  }

  /**
   * @throws DomainError `SessionBusy` where a living server other than this one has the session, or a
   *   turn of its parent session; a dead server is tidied up after first.
   */
  refuseIfOwnedElsewhere(sessionId: string, state = idle): void {
    const { runs, goingOn, serverId, recoverIfDead } = this.#options;
    if (goingOn.isFree(sessionId, serverId)) return;
    const owner = runs.otherOwner(sessionId, serverId);
    if (owner !== undefined) {
      // This ends the runs of a dead owner. If there is an owner again, another server came first.
      const isFree = recoverIfDead(owner) && runs.otherOwner(sessionId, serverId) === undefined;
      if (!isFree) throw runs.hasTurn(sessionId) ? sessionBusy() : queueElsewhere();
    }
    if (runs.isSubTask(sessionId)) throw sessionBusy();
    if (goingOn.isWaiting(sessionId)) throw sessionWaits();
    this.#refuseWhileRewound(sessionId, state);
  }

  /**
   * A rewind is soon over; that of a dead server, once another has finished it. Behind a run that is
   * itself the rewind, others wait as behind any.
   */
  #refuseWhileRewound(sessionId: string, state: SessionState): void {
    const { checkpoints, serverId, recoverIfDead } = this.#options;
    const rewinding = checkpoints?.rewinds.serverOf(sessionId);
    if (rewinding === undefined) return;
    if (rewinding === serverId && isBusy(state)) return;
    if (rewinding !== serverId) recoverIfDead(rewinding);
    throw new DomainError(
      "SessionBusy",
      "This session is being rewound; try again when that is over.",
    );
  }

  /** As {@link refuseIfOwnedElsewhere}, where nobody is tidied up after. */
  #refuseIfTaken(sessionId: string, state: SessionState): void {
    const { runs, goingOn, serverId } = this.#options;
    if (runs.otherOwner(sessionId, serverId) !== undefined) throw sessionBusy();
    if (goingOn.isWaiting(sessionId)) throw sessionWaits();
    this.#refuseWhileRewound(sessionId, state);
  }

  #insert(request: RunRequest, hash: string, now: SessionState): number {
    const { sessions, runs, queues, goingOn, workspaceId, serverId, clock } = this.#options;
    // Another server may have deleted the session meanwhile.
    if (!sessions.isIn(workspaceId, request.sessionId)) {
      throw new DomainError("SessionNotFound", "The session was deleted meanwhile.");
    }
    if (!goingOn.isFree(request.sessionId, serverId)) this.#refuseIfTaken(request.sessionId, now);
    const waits = wouldWait(now, request.kind);
    const position = runs.insert({
      workspaceId,
      sessionId: request.sessionId,
      runId: request.runId,
      clientId: request.clientId,
      serverId,
      kind: request.kind,
      promptHash: hash,
      state: waits ? "queued" : "accepted",
      options: optionsText(request.options.effective),
      acceptedAt: clock.now(),
    });
    const { permissionSeconds = 0, parent } = request;
    if (parent !== undefined) telemetry()?.keep(position, parent);
    if (permissionSeconds > 0) runs.setPermissionSeconds(position, permissionSeconds);
    const { terms } = request;
    if (terms !== undefined) goingOn.keep(position, termsText(terms));
    if (terms !== undefined || (waits && isPaused(now))) queues.keep(position, request.prompt);
    return position;
  }

  #findKnown(request: RunRequest, hash: string): RunRow | undefined {
    if (request.runId === undefined) return undefined;
    const { runs, workspaceId, serverId, recoverIfDead } = this.#options;
    const row = runs.find(workspaceId, request.runId);
    if (row === undefined) return undefined;
    // A damaged part of the row cannot prove that this is another run.
    const isOther =
      (row.sessionId !== "" && row.sessionId !== request.sessionId) ||
      (row.promptHash !== undefined && row.promptHash !== hash);
    if (isOther) {
      throw new DomainError(
        "RunIdConflict",
        `The runId ${request.runId} was accepted before with another session, prompt or options; use a new one.`,
      );
    }
    // A dead server's run is ended first, so that a client that asks again learns of its end.
    const isElsewhere =
      row.state !== "completed" && row.serverId !== serverId && row.serverId !== nobody;
    if (!isElsewhere || !recoverIfDead(row.serverId)) return row;
    return runs.at(row.position) ?? row;
  }
}

function mayBeRaced(error: unknown): boolean {
  return isUniqueViolation(error) || (error instanceof DomainError && error.name === "SessionBusy");
}

function queueElsewhere(): DomainError {
  return new DomainError(
    "SessionBusy",
    "Prompts wait in this session's paused queue in another server: change the queue there, or try again when that server has ended.",
  );
}

/** A run waits for a server that goes on with it, and this one cannot. */
function sessionWaits(): DomainError {
  return new DomainError(
    "SessionBusy",
    "A run of this session waits for a server that can go on with it; cancel it, or try again.",
    { data: { waiting: true } },
  );
}

/** The error of a session that is taken. */
export function sessionBusy(): DomainError {
  return new DomainError("SessionBusy", "A turn runs on this session; try again when it is over.");
}
