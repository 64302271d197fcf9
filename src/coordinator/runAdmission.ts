// Whether a run may be accepted, and the row that makes it so (contract section 4, `sendMessage`,
// steps 6 to 8).
import { DomainError } from "../base/errors.js";
import { isUniqueViolation } from "../storage/database.js";
import type { RunRow } from "../storage/runStore.js";
import { promptHash, type RunRequest } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { isBusy, queueOf, type SessionState } from "./sessionState.js";

/** The most prompts that wait on one session. */
export const maxQueued = 1000;

/** A run that was let in, or one that was in already. */
export type Admission =
  | { readonly isDuplicate: false; readonly position: number }
  | { readonly isDuplicate: true; readonly row: RunRow };

/** Lets runs in. */
export class RunAdmission {
  readonly #options: CoordinatorOptions;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  /**
   * Checks a run against the session's state and writes its row; it is on disk when this returns.
   *
   * @throws DomainError `RunIdConflict`, `SessionBusy`, `QueueFull` or `StorageFailed`; nothing was
   *   written then.
   */
  admit(request: RunRequest, state: SessionState): Admission {
    const hash = promptHash(request);
    const known = this.#findDuplicate(request, hash);
    if (known !== undefined) return known;
    this.refuseIfOwnedElsewhere(request.sessionId);
    if (request.kind === "summary" && isBusy(state)) throw sessionBusy();
    if (queueOf(state).length >= maxQueued) {
      throw new DomainError(
        "QueueFull",
        `${maxQueued} prompts are queued on this session; wait for some to run, or clear the queue.`,
      );
    }
    try {
      const position = this.#insert(request, hash, isBusy(state) ? "queued" : "accepted");
      return { isDuplicate: false, position };
    } catch (error) {
      // Another server may have accepted the same runId between the look and the write.
      const raced = mayBeRaced(error) ? this.#findDuplicate(request, hash) : undefined;
      if (raced !== undefined) return raced;
      throw error;
    }
  }

  /**
   * @throws DomainError `SessionBusy` where a living server other than this one has the session, or a
   *   turn of its parent session; a dead server is tidied up after first.
   */
  refuseIfOwnedElsewhere(sessionId: string): void {
    const { runs, serverId, recoverIfDead } = this.#options;
    const owner = runs.otherOwner(sessionId, serverId);
    if (owner !== undefined) {
      // A dead owner's runs are ended by this; a second one means that another server came first.
      const isFree = recoverIfDead(owner) && runs.otherOwner(sessionId, serverId) === undefined;
      if (!isFree) throw sessionBusy();
    }
    if (runs.isSubTask(sessionId)) throw sessionBusy();
  }

  #insert(request: RunRequest, hash: string, state: "accepted" | "queued"): number {
    const { database, sessions, runs, workspaceId, serverId, clock } = this.#options;
    return database.durable(() => {
      // Another server may have deleted the session since the look.
      if (sessions.find(workspaceId, request.sessionId) === undefined) {
        throw new DomainError("SessionNotFound", "The session was deleted meanwhile.");
      }
      if (runs.otherOwner(request.sessionId, serverId) !== undefined) throw sessionBusy();
      return runs.insert({
        workspaceId,
        sessionId: request.sessionId,
        runId: request.runId,
        clientId: request.clientId,
        serverId,
        kind: request.kind,
        promptHash: hash,
        state,
        acceptedAt: clock.now(),
      });
    });
  }

  #findDuplicate(request: RunRequest, hash: string): Admission | undefined {
    if (request.runId === undefined) return undefined;
    const { runs, workspaceId, serverId, recoverIfDead } = this.#options;
    const row = runs.find(workspaceId, request.runId);
    if (row === undefined) return undefined;
    if (row.sessionId !== request.sessionId || row.promptHash !== hash) {
      throw new DomainError(
        "RunIdConflict",
        `The runId ${request.runId} was accepted before with another session or prompt; use a new one.`,
      );
    }
    // A dead server's run is ended first: whoever asks again is to hear of its end.
    const isElsewhere = row.state !== "completed" && row.serverId !== serverId;
    if (!isElsewhere || !recoverIfDead(row.serverId)) return { isDuplicate: true, row };
    return { isDuplicate: true, row: runs.at(row.position) ?? row };
  }
}

function mayBeRaced(error: unknown): boolean {
  return isUniqueViolation(error) || (error instanceof DomainError && error.name === "SessionBusy");
}

/** The error of a session that is taken. */
export function sessionBusy(): DomainError {
  return new DomainError("SessionBusy", "A turn runs on this session; try again when it is over.");
}
