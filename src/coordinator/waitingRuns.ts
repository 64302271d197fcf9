// Ends runs that wait for a server (protocol.md section 4, Going on after a loss): somebody cancels them
// or deletes their session, or they have waited for too long. Any server can do that.
import { defined } from "../base/defined.js";
import type { RunCause } from "../protocol/objects/run.js";
import { isWaiting, nobody, type RunRow } from "../storage/runStore.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { type LeftEnd, LeftRuns, type LeftRunsOptions } from "./leftRuns.js";

export const dayMs = 86_400_000;
/** `limits.waitingDays` unless the user's file says something else. */
export const defaultWaitingDays = 7;

const waitedTooLong: LeftEnd = {
  status: "interrupted",
  cause: "limit",
  error: "No server could go on with this run for limits.waitingDays.",
  errorName: "WaitedTooLong",
};

/** A waiting run that was ended. */
export interface EndedWaiting {
  readonly runId?: string;
  readonly clientId: string;
  /** The text of its prompt; undefined if its turn had begun. */
  readonly prompt?: string;
}

/** What is needed to end waiting runs. */
export type WaitingOptions = Pick<
  CoordinatorOptions,
  keyof LeftRunsOptions | "workspaceId" | "serverId" | "recoverIfDead"
>;

/** Ends the waiting runs of a workspace. */
export class WaitingRuns {
  readonly #options: WaitingOptions;
  readonly #left: LeftRuns;

  constructor(options: WaitingOptions) {
    this.#options = options;
    this.#left = new LeftRuns(options);
  }

  /** The runs of a session whose server has died wait from now on, if they go on. */
  #recover(sessionId: string): void {
    const { runs, serverId, recoverIfDead } = this.#options;
    const owner = runs.otherOwner(sessionId, serverId);
    if (owner !== undefined) recoverIfDead(owner);
  }

  /**
   * Ends what waits on a session, what waits in its paused queue included; with `queuedOnly`, only what has
   * not begun and is queued. Does nothing if no run that goes on is among it.
   */
  endAll(sessionId: string, cause: RunCause, queuedOnly = false): EndedWaiting[] {
    const { goingOn } = this.#options;
    this.#recover(sessionId);
    const isMeant = (run: RunRow) => !queuedOnly || run.state === "queued";
    const meantOf = (free: readonly RunRow[]) => {
      const meant = free.filter(isMeant);
      return meant.some(isWaiting) ? new Set(meant.map(({ position }) => position)) : undefined;
    };
    if (meantOf(goingOn.free(sessionId)) === undefined) return [];
    return this.#end(() => {
      const free = goingOn.free(sessionId);
      const meant = meantOf(free);
      return free.filter(({ position, joinedTo }) => meant?.has(joinedTo ?? position));
    }, cause);
  }

  /** Ends everything of a session that no server has, because it is deleted: its paused queue too. */
  endDeleted(sessionId: string): void {
    const { goingOn } = this.#options;
    this.#recover(sessionId);
    if (goingOn.free(sessionId).length === 0) return;
    this.#end(() => goingOn.free(sessionId), "deleted");
  }

  /** Ends what waits in the workspace, because it is deleted. */
  endOfWorkspace(): void {
    const { goingOn, workspaceId, serverId, recoverIfDead } = this.#options;
    for (const owner of goingOn.ownersIn(workspaceId, serverId)) recoverIfDead(owner);
    for (const id of goingOn.waitingSessions(workspaceId)) this.endAll(id, "deleted");
  }

  /** A run as it is now. If its server has died, it waits, or has ended. */
  seen(run: RunRow): RunRow {
    const { runs, serverId, recoverIfDead } = this.#options;
    if (run.serverId !== serverId && run.serverId !== nobody) recoverIfDead(run.serverId);
    return runs.at(run.position) ?? run;
  }

  /** Ends one waiting run, with those that have joined its turn; false if it does not wait. */
  end(known: RunRow, cause: RunCause): boolean {
    const { goingOn } = this.#options;
    const run = this.seen(known);
    if (!isWaiting(run)) return false;
    const ended = this.#end(() => {
      const free = goingOn.free(run.sessionId);
      if (!free.some((one) => one.position === run.position && isWaiting(one))) return [];
      return free.filter(({ position, joinedTo }) => (joinedTo ?? position) === run.position);
    }, cause);
    return ended.length > 0;
  }

  #end(runsToEnd: () => readonly RunRow[], cause: RunCause): EndedWaiting[] {
    const { database, queues } = this.#options;
    return database.durable(() => {
      const ending = runsToEnd();
      const told = ending.map((run): EndedWaiting => {
        const text = run.hasBegun ? undefined : queues.text(run.position);
        const { runId, clientId } = run;
        return {
          clientId,
          ...defined({ runId, prompt: text }),
        };
      });
      this.#left.end(ending, { status: "cancelled", cause });
      return told;
    });
  }
}

/** Ends the runs of the data directory that have waited since before a time; returns how many. */
export function endOldWaiting(options: LeftRunsOptions, before: number): number {
  const { database, goingOn, runs } = options;
  if (goingOn.waitingSinceBefore(before).length === 0) return 0;
  const left = new LeftRuns(options);
  return database.durable(() => {
    const rows = goingOn.waitingSinceBefore(before).flatMap((position) => runs.at(position) ?? []);
    const old = rows.filter(isWaiting);
    const turns = new Set(old.map(({ position }) => position));
    const joined = old
      .flatMap(({ sessionId }) => goingOn.free(sessionId))
      .filter(({ joinedTo }) => joinedTo !== undefined && turns.has(joinedTo));
    const all = new Map([...old, ...joined].map((run) => [run.position, run]));
    left.end([...all.values()], waitedTooLong);
    return all.size;
  });
}
