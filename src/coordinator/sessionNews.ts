// The events about a session (protocol.md section 6). They may be lost, so a disk that cannot be
// read does not make a step fail.
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
  | "goingOn"
  | "announcer"
  | "log"
  | "recoverIfDead"
>;

/** A session for a client, if no turn runs on it in this server and nothing waits here. */
export function describeElsewhere(
  row: SessionRow,
  options: Pick<NewsOptions, "runs" | "queues" | "goingOn" | "serverId" | "recoverIfDead">,
): Session {
  const { runs, queues, goingOn, serverId, recoverIfDead } = options;
  const owner = runs.otherOwner(row.id, serverId);
  if (owner !== undefined) recoverIfDead(owner);
  // What waits for a server holds its session.
  const isHeld = goingOn.isHeld(row.id, row.queuePaused);
  if (owner === undefined) {
    // A run that is open here, and neither runs nor waits in a paused queue, only waits for the
    // disk.
    const queued = row.queuePaused || isHeld ? queues.countElsewhere(row.id, serverId) : 0;
    return toSession(row, { isBusy: isHeld || runs.isSubTask(row.id), queued });
  }
  const queued = queues.countElsewhere(row.id, serverId);
  return toSession(row, { isBusy: isHeld || runs.hasTurn(row.id), queued });
}

/** Sends the events about the sessions of one workspace. */
export class SessionNews {
  readonly #options: NewsOptions;

  constructor(options: NewsOptions) {
    this.#options = options;
  }

  /**
   * A session for a client. A session that is idle here may be busy in another server, or belong to
   * a sub-task of a running turn. Runs of a dead server are ended first, so that nobody waits for
   * them.
   */
  describe(row: SessionRow, state: SessionState): Session {
    const here = { isBusy: isBusy(state), queued: queueOf(state).length };
    if (here.isBusy || here.queued > 0) return toSession(row, here);
    return describeElsewhere(row, this.#options);
  }

  /**
   * Sends `sessionUpdated` for the session in `state`; without a state, as {@link describe} finds
   * it.
   */
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
