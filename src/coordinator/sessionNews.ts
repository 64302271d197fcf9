// What clients are told of a session (protocol.md section 6): it may be lost, and a disk that cannot be
// read is no reason for a step to fail.
import { messageOf } from "../base/errors.js";
import type { Session } from "../protocol/objects/session.js";
import type { SessionRow } from "../storage/sessionStore.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { idle, isBusy, queueOf, type SessionState } from "./sessionState.js";
import { toSession } from "./wireObjects.js";

type NewsOptions = Pick<
  CoordinatorOptions,
  "workspaceId" | "serverId" | "sessions" | "runs" | "announcer" | "log" | "recoverIfDead"
>;

/** A session as a client sees it that no turn of this server runs on. */
export function describeElsewhere(
  row: SessionRow,
  { runs, serverId, recoverIfDead }: Pick<NewsOptions, "runs" | "serverId" | "recoverIfDead">,
): Session {
  const owner = runs.otherOwner(row.id, serverId);
  // What is open here and runs no more only waits for the disk.
  if (owner === undefined) return toSession(row, { isBusy: runs.isSubTask(row.id), queued: 0 });
  recoverIfDead(owner);
  return toSession(row, { isBusy: runs.isOpen(row.id), queued: runs.queued(row.id) });
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
    if (isBusy(state)) return toSession(row, { isBusy: true, queued: queueOf(state).length });
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
  queueChanged(sessionId: string, count: number): void {
    const { workspaceId, announcer } = this.#options;
    announcer.emit({ method: "queueChanged", params: { workspaceId, sessionId, count } });
  }
}
