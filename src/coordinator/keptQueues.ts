// Moves paused queues from one server to the next (protocol.md section 4, The queue). When the
// server of a paused queue is gone, its entries belong to nobody. The first server that changes the
// queue takes them over, with the prompts that are stored on disk.

import { toRfc3339 } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import type { WaitingRun } from "../storage/queueStore.js";
import { nobody } from "../storage/runStore.js";
import { AcceptedRun, refOf } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import type { OpenRuns } from "./openRuns.js";
import { storedOptions, usuallyWhenBusy } from "./runOptions.js";
import { positionsOf, type RunRef } from "./sessionState.js";
import type { SessionSteps } from "./sessionSteps.js";

const damagedText = "What was kept of this prompt is damaged and cannot be read.";

/** Takes over and gives up the entries of one workspace's paused queues. */
export class KeptQueues {
  readonly #options: CoordinatorOptions;
  readonly #open: OpenRuns;
  readonly #steps: SessionSteps;
  #isClosed = false;

  constructor(options: CoordinatorOptions, open: OpenRuns, steps: SessionSteps) {
    this.#options = options;
    this.#open = open;
    this.#steps = steps;
  }

  /**
   * Takes over the entries of a session's paused queue that belong to no server. Does nothing if
   * there are none, or if a living server has them.
   *
   * @throws DomainError `StorageFailed`
   */
  takeOver(sessionId: string): void {
    const { queues, runs, database, serverId, recoverIfDead } = this.#options;
    if (this.#isClosed) return;
    this.#forgetIfLost(sessionId);
    if (this.#steps.known(sessionId) !== undefined || !queues.isPaused(sessionId)) return;
    const owner = runs.otherOwner(sessionId, serverId);
    if (owner !== undefined && !recoverIfDead(owner)) return;
    const isFree = (waiting: WaitingRun) => waiting.serverId === nobody;
    if (!queues.waiting(sessionId).some(isFree)) return;
    const taken = database.durable(() => {
      // Another server may have taken them over first.
      const free = queues.waiting(sessionId).filter(isFree);
      queues.takeOver(sessionId, serverId);
      return free.flatMap((waiting) => this.#restored(sessionId, waiting) ?? []);
    });
    faultPoint("queueTakenOver");
    for (const run of taken) this.#open.add(run);
    this.#steps.set(sessionId, { tag: "paused", queue: taken.map(({ ref }) => ref) });
  }

  #forgetIfLost(sessionId: string): void {
    const { queues, serverId } = this.#options;
    const state = this.#steps.known(sessionId);
    if (state?.tag !== "paused" || queues.areOf(serverId, positionsOf(state.queue))) return;
    this.#open.leave(state.queue);
    this.#steps.set(sessionId, { tag: "paused", queue: [] });
  }

  /** Makes a run from its stored form. If that is damaged, the run is ended. */
  #restored(sessionId: string, waiting: WaitingRun): AcceptedRun | undefined {
    const { position, runId, clientId } = waiting;
    const prompt = this.#options.queues.prompt(position);
    if (prompt === undefined) {
      this.#endDamaged(waiting);
      return undefined;
    }
    const kind = "prompt" as const;
    const effective = storedOptions(this.#options.runs.at(position)?.options);
    const whenBusy = effective.whenBusy ?? usuallyWhenBusy(runId, {});
    // What was sent matters only for a `runId` that comes again: the row has its hash.
    const options = { sent: {}, effective };
    const permissionSeconds = this.#options.runs.permissionSeconds(position);
    const client = { clientId, permissionSeconds };
    const request = { sessionId, runId, ...client, kind, prompt, options, whenBusy };
    return new AcceptedRun(refOf(position, request), request);
  }

  #endDamaged({ position, runId }: WaitingRun): void {
    const { runs, queues, outbox, clock } = this.#options;
    const row = runs.at(position);
    const isOurs = runs.setState(position, "completed");
    queues.forget(position);
    if (row === undefined || runId === undefined || !isOurs) return;
    outbox.append(row, {
      text: "",
      status: "interrupted",
      cancelled: false,
      error: damagedText,
      errorName: "StorageDamaged",
      cause: "crash",
      foldedPrompts: 0,
      neverRan: true,
      completedAt: toRfc3339(clock.now()),
    });
  }

  /** From now on takes over nothing, because the workspace is being closed. */
  close(): void {
    this.#isClosed = true;
  }

  /** Leaves the entries to the next server that changes the queue. */
  leave(refs: readonly RunRef[]): void {
    const { database, queues } = this.#options;
    try {
      database.write(() => queues.release(positionsOf(refs)));
    } catch (error) {
      // They still belong to this server. The next server finds that this one has ended, and keeps
      // them.
      this.#options.log.warn(
        { reason: messageOf(error) },
        "what waits in a paused queue could not be released",
      );
    }
    this.#open.leave(refs);
  }
}
