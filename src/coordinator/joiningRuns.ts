// Accepts runs. A run waits for the commit that accepts it, only one at a time for each session, so
// that each run is checked in the state which the run before it has left.
import type { SharedWork } from "../storage/groupCommit.js";
import { type Acceptance, type AcceptanceCaller, answer, known } from "./acceptance.js";
import type { RunRequest } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import type { OpenRuns } from "./openRuns.js";
import type { AdmissionPlan } from "./runAdmission.js";
import type { SessionState } from "./sessionState.js";

/** If another program holds the database for longer, a run is refused; in milliseconds. */
const acceptanceMs = 30_000;

/** What is needed to accept runs. */
export interface JoiningParts {
  /** Throws if the run is not admitted. */
  plan(request: RunRequest): AdmissionPlan;
  stateOf(sessionId: string): SessionState;
  readonly open: Pick<OpenRuns, "at">;
  /** The run is on disk: it begins, or waits in the queue. */
  enter(request: RunRequest, position: number): Acceptance;
}

/** A later run of the same session. */
interface Follower {
  goOn(): void;
  refuse(error: unknown): void;
}

interface Joining {
  readonly work: SharedWork;
  readonly followers: Follower[];
  isWithdrawn: boolean;
}

/** The runs of one workspace that are being accepted. */
export class JoiningRuns {
  readonly #options: Pick<CoordinatorOptions, "commits" | "clock" | "workspaceId">;
  readonly #parts: JoiningParts;
  readonly #bySession = new Map<string, Joining>();

  constructor(
    options: Pick<CoordinatorOptions, "commits" | "clock" | "workspaceId">,
    parts: JoiningParts,
  ) {
    this.#options = options;
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#bySession.size === 0;
  }

  has(sessionId: string): boolean {
    return this.#bySession.has(sessionId);
  }

  /** See `Coordinator.accept`. */
  accept(
    request: RunRequest,
    caller: AcceptanceCaller,
    waitsUntil = this.#options.clock.now() + acceptanceMs,
  ): void {
    const { sessionId } = request;
    // So this run sees every earlier run of its session, and every earlier end.
    this.#options.commits.settle(sessionId);
    const earlier = this.#bySession.get(sessionId);
    if (earlier !== undefined) {
      const goOn = () => this.accept(request, caller, waitsUntil);
      earlier.followers.push({ goOn, refuse: (error) => caller.refused(error) });
      return;
    }
    answer(caller, () => {
      const { plan: admit, stateOf, open, enter } = this.#parts;
      const plan = admit(request);
      if ("known" in plan) return known(plan.known, open);
      let position = 0;
      const subjects = [sessionId, subjectOf(this.#options.workspaceId, request.runId)];
      this.#join(sessionId, {
        isDurable: true,
        subjects,
        waitsUntil,
        write: () => {
          position = plan.write(stateOf(sessionId));
        },
        accepted: () => caller.accepted(enter(request, position)),
        refused: (error) => {
          answer(caller, () => {
            const row = plan.knownAfter(error);
            if (row === undefined) throw error;
            return known(row, open);
          });
        },
      });
      return undefined;
    });
  }

  /** When this returns, a run of this id that waited for its commit is accepted, or refused. */
  settle(runId: string): void {
    this.#options.commits.settle(subjectOf(this.#options.workspaceId, runId));
  }

  #join(sessionId: string, work: SharedWork): void {
    const joining: Joining = {
      followers: [],
      isWithdrawn: false,
      work: {
        ...work,
        accepted: () => {
          this.#bySession.delete(sessionId);
          work.accepted();
          for (const follower of joining.followers) follower.goOn();
        },
        refused: (error) => {
          this.#bySession.delete(sessionId);
          work.refused(error);
          for (const follower of joining.followers) {
            if (joining.isWithdrawn) follower.refuse(error);
            else follower.goOn();
          }
        },
      },
    };
    this.#bySession.set(sessionId, joining);
    this.#options.commits.join(joining.work);
  }

  /** Refuses the runs that wait for another program which holds the database, of one session or all. */
  withdraw(sessionId?: string): void {
    for (const [id, joining] of [...this.#bySession]) {
      if (sessionId !== undefined && id !== sessionId) continue;
      joining.isWithdrawn = true;
      this.#options.commits.withdraw(joining.work);
    }
  }
}

/** What is written about a run, for {@link GroupCommit.settle}; no session has a name like this one. */
export function subjectOf(workspaceId: string, runId: string | undefined): string {
  return JSON.stringify([workspaceId, runId ?? null]);
}
