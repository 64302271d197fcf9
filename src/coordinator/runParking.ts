// Gives up runs that go on after the loss of their server, when the server ends in good order
// (protocol.md section 4, Parking). They wait then for the next server.
import { messageOf } from "../base/errors.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { runLog } from "./runLog.js";
import type { RunRef } from "./sessionState.js";

/** Parks the runs of one workspace. */
export class RunParking {
  readonly #options: CoordinatorOptions;
  readonly #parked: string[] = [];

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  /** The `runId`s of the runs that were parked, in order. */
  get parked(): readonly string[] {
    return this.#parked;
  }

  /** Notes runs that were queued and stay on disk. */
  keep(refs: readonly RunRef[]): void {
    this.#note(refs.filter(({ goesOn }) => goesOn));
  }

  #note(refs: readonly RunRef[]): void {
    this.#parked.push(...refs.flatMap(({ runId }) => runId ?? []));
  }

  /**
   * Gives up a run whose turn has begun, or is about to: what it has written so far is stored, it waits
   * from now on, and its turn is stopped here and writes nothing more. If that cannot be written, the
   * next server finds the run as it finds those of a lost one.
   */
  park(run: AcceptedRun): void {
    const { database, runs, goingOn, serverId, clock } = this.#options;
    const log = runLog(run, this.#options);
    const { position } = run.ref;
    if (run.isLost) return;
    const all = [run, ...run.joined];
    const owned = all.map(({ ref, epoch }) => ({ position: ref.position, serverId, epoch }));
    try {
      const isParked = database.joinDurable(() => {
        if (!runs.isOwned(position, { serverId, epoch: run.epoch })) return false;
        run.writeMessages((error) => {
          log.warn({ reason: messageOf(error) }, "a part of a run was not stored");
        });
        goingOn.parked(position);
        goingOn.release(owned, clock.now(), true);
        return true;
      });
      if (isParked) this.#note(all.map(({ ref }) => ref));
    } catch (error) {
      log.warn({ reason: messageOf(error) }, "a run could not be parked");
    }
    run.lose();
  }
}
