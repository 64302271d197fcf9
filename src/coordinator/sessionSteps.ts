// The states of all sessions, and their steps. When queued runs join the running turn, that is
// written before the step. When they are dropped, that is written after the step: a stop must work
// even if the disk refuses to write, and then the write is made later.
import { toRfc3339 } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { faultPoint } from "../base/faultPoint.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Owner } from "../storage/runStore.js";
import { isDiskTrouble } from "../storage/storageError.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { endedElsewhere } from "./endedElsewhere.js";
import { runStanding } from "./runStanding.js";
import {
  idle,
  isBusy,
  queueOf,
  type RunRef,
  type SessionEffect,
  type SessionInput,
  type SessionState,
  step,
} from "./sessionState.js";

/** A step that was taken: the states before and after it, and what must be done. */
export interface TakenStep {
  readonly before: SessionState;
  readonly after: SessionState;
  readonly effects: readonly SessionEffect[];
}

/** Writes more in the commit in which runs join a turn. */
export type AlsoFold = (runs: readonly RunRef[]) => void;

type StepOptions = Pick<
  CoordinatorOptions,
  "database" | "runs" | "queues" | "goingOn" | "sessions" | "outbox" | "clock" | "owed"
> & {
  /** Who has a run that is open here. */
  ownerOf(position: number): Owner;
};

/**
 * The states of a workspace's sessions. A session without a state is idle, or its queue is paused
 * and no entry of it belongs to this server. Whether it is paused is stored on disk, where every
 * server can change it.
 */
export class SessionSteps {
  readonly #options: StepOptions;
  readonly #states = new Map<string, SessionState>();
  readonly #whenIdle: Deferred<void>[] = [];

  constructor(options: StepOptions) {
    this.#options = options;
  }

  /** The sessions on which something runs or waits here. */
  get sessionIds(): string[] {
    return [...this.#states.keys()];
  }

  /** Whether a turn holds any session. */
  get isBusy(): boolean {
    return [...this.#states.values()].some(isBusy);
  }

  of(sessionId: string): SessionState {
    const known = this.#states.get(sessionId);
    if (known !== undefined) return known;
    return this.#options.queues.isPaused(sessionId) ? { tag: "paused", queue: [] } : idle;
  }

  /** Like {@link of}, but undefined if nothing of the session runs or waits here. */
  known(sessionId: string): SessionState | undefined {
    return this.#states.get(sessionId);
  }

  /**
   * Takes a step. Required writes are made first; if they throw, nothing has happened. Nothing has
   * happened either if another program holds the database: then the runs join the next call. `alsoFold`
   * writes what belongs to the commit in which runs join a turn.
   */
  take(sessionId: string, input: SessionInput, alsoFold: AlsoFold = () => {}): TakenStep {
    const before = this.of(sessionId);
    const { state, effects } = step(before, input);
    try {
      this.#write(effects, alsoFold);
    } catch (error) {
      if (!isHeldElsewhere(error)) throw error;
      return { before, after: before, effects: [] };
    }
    this.set(sessionId, state);
    return { before, after: state, effects };
  }

  /** Sets a session's state without a step. */
  set(sessionId: string, state: SessionState): void {
    const isEmpty = state.tag === "paused" && queueOf(state).length === 0;
    if (state.tag === "idle" || state.tag === "closed" || isEmpty) this.#states.delete(sessionId);
    else this.#states.set(sessionId, state);
    if (!this.isBusy) for (const deferred of this.#whenIdle.splice(0)) deferred.resolve();
  }

  /** Resolves once no turn holds any session. */
  whenIdle(): Promise<void> {
    if (!this.isBusy) return Promise.resolve();
    const deferred = new Deferred<void>();
    this.#whenIdle.push(deferred);
    return deferred.promise;
  }

  #write(effects: readonly SessionEffect[], alsoFold: AlsoFold): void {
    const { database, runs, ownerOf } = this.#options;
    for (const effect of effects) {
      if (effect.type !== "fold") continue;
      database.write(() => {
        for (const run of effect.runs) {
          const isOurs = runs.isOwned(run.position, ownerOf(run.position));
          if (!isOurs || !runs.fold(run.position, effect.into.position)) throw endedElsewhere();
        }
        alsoFold(effect.runs);
        faultPoint("folding");
      });
      faultPoint("folded");
    }
  }

  /** Ends runs that never began, now or as soon as the disk accepts it. */
  drop(dropped: readonly RunRef[], cause: RunCause): void {
    const { database, owed } = this.#options;
    const write = this.#dropping(dropped, cause);
    try {
      database.durable(write);
    } catch (error) {
      if (!isDiskTrouble(error)) throw error;
      owed.owe(write);
    }
  }

  /** Ends runs that never began: those with a `runId` get a cancelled completion. */
  #dropping(dropped: readonly RunRef[], cause: RunCause): () => void {
    const { database, runs, queues, goingOn, outbox, clock, ownerOf } = this.#options;
    const completedAt = toRfc3339(clock.now());
    const owners = dropped.map(({ position }) => ownerOf(position));
    return () => {
      for (const [index, ref] of dropped.entries()) {
        const row = runs.at(ref.position);
        const isOurs = runs.setState(ref.position, "completed", owners[index]);
        if (isOurs) {
          queues.forget(ref.position);
          goingOn.forget(ref.position);
        }
        if (!isOurs) database.afterCommit(() => outbox.announceStanding(ref.position));
        if (row === undefined || ref.runId === undefined || !isOurs) continue;
        outbox.append(row, {
          text: "",
          status: "cancelled",
          cancelled: true,
          cause,
          foldedPrompts: 0,
          neverRan: true,
          ...defined({ continuations: row.continuations || undefined }),
          ...runStanding(this.#options, row),
          completedAt,
        });
      }
    };
  }
}
