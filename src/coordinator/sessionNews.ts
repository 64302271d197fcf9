// What clients are told of a session (protocol.md section 6): it may be lost, and a disk that cannot be
// read is no reason for a step to fail.
import { messageOf } from "../base/errors.js";
import type { Session } from "../protocol/objects/session.js";
import type { SessionRow } from "../storage/sessionStore.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { idle, isBusy, isPaused, queueOf, type SessionState } from "./sessionState.js";
import { toSession } from "./wireObjects.js";

type NewsOptions = Pick<
  CoordinatorOptions,
  | "workspaceId"
  | "serverId"
  | "sessions"
  | "runs"
  | "queues"
  | "announcer"
  | "log"
  | "recoverIfDead"
>;

/** A session as a client sees it that no turn of this server runs on, and nothing of it waits here. */
export function describeElsewhere(
  row: SessionRow,
  options: Pick<NewsOptions, "runs" | "queues" | "serverId" | "recoverIfDead">,
): Session {
  const { runs, queues, serverId, recoverIfDead } = options;
  const owner = runs.otherOwner(row.id, serverId);
  if (owner === undefined) {
    // What is open here and neither runs nor waits in a paused queue only waits for the disk.
    const queued = row.queuePaused ? queues.countElsewhere(row.id, serverId) : 0;
    return toSession(row, { isBusy: runs.isSubTask(row.id), queued });
  }
  recoverIfDead(owner);
  const queued = queues.countElsewhere(row.id, serverId);
  return toSession(row, { isBusy: runs.hasTurn(row.id), queued });
}

/** Tells of the sessions of one workspace. */
export class SessionNews {
  readonly #options: NewsOptions;

  constructor(options: NewsOptions) {
    this.#options = options;
  }

  /**
   * A session as a client sees it; one that is idle here may be busy in another server, or be a
   * sub-task's of a turn that runs. What a dead server left running is ended first, so that nobody
   * waits for it.
   */
  describe(row: SessionRow, state: SessionState): Session {
    const here = { isBusy: isBusy(state), queued: queueOf(state).length };
    if (here.isBusy || here.queued > 0) return toSession(row, here);
    return describeElsewhere(row, this.#options);
  }

  /** `sessionUpdated`, as the session is in `state`; without one, as {@link describe} finds it. */
  changed(sessionId: string, state: SessionState | undefined): void {
    const { sessions, workspaceId, announcer, log } = this.#options;
    try {
      const row = sessions.find(workspaceId, sessionId);
      if (row === undefined) return;
      const session =
        state === undefined
          ? this.describe(row, idle)
          : toSession(row, { isBusy: isBusy(state), queued: queueOf(state).length });
      announcer.emit({ method: "sessionUpdated", params: { workspaceId, sessionId, session } });
    } catch (error) {
      log.warn({ sessionId, reason: messageOf(error) }, "a session's change could not be told");
    }
  }

  /** `queueChanged` */
  queueChanged(sessionId: string, state: SessionState): void {
    const { workspaceId, announcer } = this.#options;
    const params = {
      workspaceId,
      sessionId,
      count: queueOf(state).length,
      paused: isPaused(state),
    };
    announcer.emit({ method: "queueChanged", params });
  }
}
