// Goes on with runs that lost their server (protocol.md section 4, Going on after a loss): looks for them
// in the workspaces that are open here, and takes over a few at a time, so that a server that finds many
// starts them gently.
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { Log } from "../base/log.js";
import { dayMs, defaultWaitingDays } from "../coordinator/waitingRuns.js";
import type { Database } from "../storage/database.js";
import type { GoingOnStore } from "../storage/goingOnStore.js";
import type { OpenWorkspace } from "./openWorkspace.js";
import type { WorkspaceRegistry } from "./workspaceRegistry.js";

export { resumableWorkspaces } from "../storage/resumableWorkspaces.js";

/** The time between two looks, in milliseconds. */
const betweenLooksMs = 1000;
/** The most sessions that are taken over at one look. */
const mostAtOnce = 4;
/** How often dead servers are looked for, in milliseconds. */
const betweenRecoveriesMs = 3000;
/** How often runs that waited too long are ended, and it is noted that this server lives; milliseconds. */
const betweenEndsMs = 3_600_000;

/** What is needed to go on with lost runs. */
export interface AdopterOptions {
  readonly workspaces: Pick<WorkspaceRegistry, "list">;
  readonly goingOn: GoingOnStore;
  readonly database: Pick<Database, "dataVersion">;
  readonly clock: Clock;
  readonly log: Log;
  /** Opens the workspaces in which runs wait, and which may be opened by themselves; returns their ids. */
  resume?(): readonly string[];
  /** Closes a workspace that was opened so, as soon as nobody needs it. */
  closeResumed?(id: string): void;
  /** Whether other servers are known, living or dead. */
  hasOthers(): boolean;
  /** Makes the runs of dead servers wait. */
  recoverDead(): void;
  /** Notes that this server lives, for those that ask later when it did last. */
  noteAlive(now: number): void;
  /** Ends the runs that have waited since before a time. */
  endOld(before: number): void;
  waitingDays(): number | undefined | Promise<number | undefined>;
}

/** Looks for lost runs while the server lives. */
export class Adopter {
  readonly #options: AdopterOptions;
  #timer: Timer | undefined;
  #isClosed = false;
  #takesOver = true;
  #isWoken = true;
  #seen: number | undefined;
  #recoveredAt = Number.NEGATIVE_INFINITY;
  #endedAt = Number.NEGATIVE_INFINITY;
  #hasEndedOld = false;

  constructor(options: AdopterOptions) {
    this.#options = options;
    this.#rest();
  }

  /** Something may be to be taken over: it is looked for soon. */
  wake(): void {
    this.#isWoken = true;
    this.#options.clock.soon(() => this.#look());
  }

  /** From now on nothing is taken over: the server ends as soon as its own runs have ended. */
  takeNoMore(): void {
    this.#takesOver = false;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #rest(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(betweenLooksMs, () => {
      this.#look();
      this.#rest();
    });
  }

  #look(): void {
    if (this.#isClosed) return;
    try {
      this.#recover();
      const { dataVersion } = this.#options.database;
      if (dataVersion !== this.#seen) {
        for (const { coordinator } of this.#options.workspaces.list()) coordinator.dropLost();
      } else if (!this.#isWoken) return;
      this.#seen = dataVersion;
      // What has waited for too long is ended first, and then nobody can take it over.
      this.#isWoken = this.#takesOver && (!this.#hasEndedOld || this.#adopt());
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, "lost runs could not be looked for");
      this.#isWoken = true;
    }
  }

  #recover(): void {
    const { clock, hasOthers, recoverDead } = this.#options;
    const now = clock.now();
    if (now - this.#recoveredAt >= betweenRecoveriesMs) {
      this.#recoveredAt = now;
      if (hasOthers()) recoverDead();
    }
    if (now - this.#endedAt < betweenEndsMs) return;
    this.#endedAt = now;
    this.#noteAlive(now);
    const days = this.#options.waitingDays();
    if (days instanceof Promise) {
      days.then(
        (told) => this.#endOld(told),
        // Whoever reads the configuration has told why it cannot be read.
        () => this.#endOld(),
      );
    } else this.#endOld(days);
  }

  #noteAlive(now: number): void {
    const { noteAlive, log } = this.#options;
    try {
      noteAlive(now);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, "it could not be noted that this server lives");
    }
  }

  #endOld(days = defaultWaitingDays): void {
    const { clock, endOld, log } = this.#options;
    try {
      endOld(clock.now() - days * dayMs);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, "runs that wait too long could not be ended yet");
      this.#endedAt = Number.NEGATIVE_INFINITY;
    }
    if (this.#hasEndedOld || this.#isClosed) return;
    this.#hasEndedOld = true;
    this.wake();
  }

  /** Takes over a few sessions; whether there may be more. */
  #adopt(): boolean {
    const { workspaces, goingOn, resume, closeResumed } = this.#options;
    const resumed = new Set(resume?.());
    let taken = 0;
    for (const workspace of workspaces.list()) {
      if (workspace.isClosing) continue;
      for (const sessionId of goingOn.waitingSessions(workspace.id)) {
        if (taken >= mostAtOnce) return true;
        if (!this.#adoptOne(workspace, sessionId)) continue;
        taken++;
        if (resumed.delete(workspace.id)) closeResumed?.(workspace.id);
      }
    }
    return false;
  }

  /** A session that cannot be taken over does not keep the others from it. */
  #adoptOne({ coordinator }: OpenWorkspace, sessionId: string): boolean {
    try {
      return coordinator.adopt(sessionId);
    } catch (error) {
      if (isHeldElsewhere(error)) throw error;
      this.#options.log.warn(
        { sessionId, reason: messageOf(error) },
        "a session could not be taken over",
      );
      return false;
    }
  }
}
