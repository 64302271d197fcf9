// What every session is doing, and the steps that it takes. That queued runs join the running turn is
// written before the step is taken. That they are dropped is written behind it: a stop must stop, also
// on a disk that takes nothing, and what it owes them is then written late.
import { toRfc3339 } from "../base/clock.js";
import type { RunCause } from "../protocol/objects/run.js";
import { isDiskTrouble } from "../storage/storageError.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { runStanding } from "./runStanding.js";
import {
  idle,
  type RunRef,
  type SessionEffect,
  type SessionInput,
  type SessionState,
  step,
} from "./sessionState.js";

/** A step that was taken: what the session did before, does now, and what is to be done about it. */
export interface TakenStep {
  readonly before: SessionState;
  readonly after: SessionState;
  readonly effects: readonly SessionEffect[];
}

type StepOptions = Pick<
  CoordinatorOptions,
  "database" | "runs" | "sessions" | "outbox" | "clock" | "owed"
>;

/** The states of a workspace's sessions. One that is not here is idle. */
export class SessionSteps {
  readonly #options: StepOptions;
  readonly #states = new Map<string, SessionState>();

  constructor(options: StepOptions) {
    this.#options = options;
  }

  /** The sessions that are not idle. */
  get sessionIds(): string[] {
    return [...this.#states.keys()];
  }

  of(sessionId: string): SessionState {
    return this.#states.get(sessionId) ?? idle;
  }

  /** As {@link of}, but undefined where the session is idle here. */
  known(sessionId: string): SessionState | undefined {
    return this.#states.get(sessionId);
  }

  /** Takes a step. What must be on disk is written first: if that throws, nothing has happened. */
  take(sessionId: string, input: SessionInput): TakenStep {
    const before = this.of(sessionId);
    const { state, effects } = step(before, input);
    this.#write(effects);
    if (state.tag === "idle" || state.tag === "closed") this.#states.delete(sessionId);
    else this.#states.set(sessionId, state);
    return { before, after: state, effects };
  }

  #write(effects: readonly SessionEffect[]): void {
    const { database, runs } = this.#options;
    for (const effect of effects) {
      if (effect.type === "fold") {
        database.write(() => {
          for (const run of effect.runs) runs.fold(run.position, effect.into.position);
        });
      }
    }
  }

  /** Ends runs that never began, now or as soon as the disk takes it. */
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
    const { database, runs, outbox, clock } = this.#options;
    const completedAt = toRfc3339(clock.now());
    return () => {
      for (const ref of dropped) {
        const row = runs.at(ref.position);
        const isOurs = runs.setState(ref.position, "completed");
        if (!isOurs) database.afterCommit(() => outbox.announceStanding(ref.position));
        if (row === undefined || ref.runId === undefined || !isOurs) continue;
        outbox.append(row, {
          text: "",
          status: "cancelled",
          cancelled: true,
          cause,
          foldedPrompts: 0,
          neverRan: true,
          ...runStanding(this.#options, row),
          completedAt,
        });
      }
    };
  }
}
