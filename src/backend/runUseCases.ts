// Reads the state of a run, and waits for its end (protocol.md section 4, `getRun` and `waitRun`).

import { type Clock, toRfc3339 } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import { untilAborted } from "../base/untilAborted.js";
import { isEmpty, storedOptions } from "../coordinator/runOptions.js";
import { runStanding } from "../coordinator/runStanding.js";
import { runState } from "../coordinator/runState.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { Params, Result } from "../protocol/registry.js";
import { nobody, type RunRow, type RunStore } from "../storage/runStore.js";
import type { SessionStore } from "../storage/sessionStore.js";
import type { WorkspaceStore } from "../storage/workspaceStore.js";
import type { Caller, Completions } from "./caller.js";
import type { WorkspaceRegistry } from "./workspaceRegistry.js";

/** How often a run of another server is looked at, in milliseconds. */
const pollMs = 200;
const defaultTimeoutMs = 60_000;

/** What the use cases of runs need. */
export interface RunUseCaseOptions {
  readonly workspaces: WorkspaceRegistry;
  readonly runs: RunStore;
  readonly sessions: SessionStore;
  readonly workspacePaths: WorkspaceStore;
  readonly completions: Completions;
  readonly clock: Clock;
  readonly serverId: string;
  recoverIfDead(serverId: string): boolean;
}

/** The use cases that look at runs. Each throws the errors that its method declares. */
export class RunUseCases {
  readonly #options: RunUseCaseOptions;

  constructor(options: RunUseCaseOptions) {
    this.#options = options;
  }

  /** `getRun` */
  get(params: Params<"getRun">): Result<"getRun"> {
    const row = this.find(params.workspaceId, params.runId);
    const completion = this.#options.completions.ofRun(row.position);
    const options = storedOptions(row.options);
    const isForgotten = row.state === "completed" && completion === undefined;
    const forgotten = isForgotten ? (true as const) : undefined;
    return {
      runId: params.runId,
      sessionId: row.sessionId,
      state: runState(row),
      ...runStanding(this.#options, row),
      ...defined({ options: isEmpty(options) ? undefined : options, completion, forgotten }),
    };
  }

  /** `listRuns` */
  list({ runId, limit = 20 }: Params<"listRuns">): Result<"listRuns"> {
    const { workspaces, workspacePaths, runs, sessions } = this.#options;
    for (const { coordinator } of workspaces.list()) coordinator.settle();
    return {
      runs: runs
        .newest(limit, runId)
        .map((stored) => this.#present(stored))
        .map((row) => ({
          runId: row.runId ?? "",
          workspaceId: row.workspaceId,
          sessionId: row.sessionId,
          state: runState(row),
          acceptedAt: toRfc3339(row.acceptedAt),
          ...defined({
            workspacePath: workspacePaths.pathOf(row.workspaceId),
            sessionTitle: sessions.find(row.workspaceId, row.sessionId)?.title,
          }),
        })),
    };
  }

  /** `waitRun`: ends early, with the signal's reason, when the request is cancelled. */
  async wait(params: Params<"waitRun">, caller: Caller): Promise<Result<"waitRun">> {
    const { clock, completions } = this.#options;
    const first = this.#completionOf(params);
    if (first !== undefined) return first;
    // A request can be cancelled before this code runs.
    caller.signal.throwIfAborted();
    const outcome = new Deferred<Result<"waitRun">>();
    const settleIfDone = () => {
      try {
        const completion = this.#completionOf(params);
        if (completion !== undefined) outcome.resolve(completion);
      } catch (error) {
        outcome.reject(error);
      }
    };
    const stopListening = completions.onAppended(({ completion }) => {
      if (completion.runId === params.runId && completion.workspaceId === params.workspaceId) {
        settleIfDone();
      }
    });
    const timeout = clock.after(params.timeoutMs ?? defaultTimeoutMs, () => {
      // After a sleep of the process this may be the first look for a while.
      settleIfDone();
      outcome.resolve({ timedOut: true });
    });
    let poll = clock.after(pollMs, function look() {
      settleIfDone();
      poll = clock.after(pollMs, look);
    });
    try {
      return await untilAborted(outcome.promise, caller.signal);
    } finally {
      stopListening();
      timeout.cancel();
      poll.cancel();
    }
  }

  #completionOf(params: { workspaceId: string; runId: string }): RunComplete | undefined {
    const row = this.find(params.workspaceId, params.runId);
    if (row.state !== "completed") return undefined;
    const completion = this.#options.completions.ofRun(row.position);
    if (completion === undefined) {
      throw new DomainError(
        "RunNotFound",
        `The run ${JSON.stringify(params.runId)} has ended, and its completion is no longer kept.`,
      );
    }
    return completion;
  }

  /** Whether a `runId` was accepted before in a workspace. */
  isKnown(workspaceId: string, runId: string | undefined): boolean {
    if (runId === undefined) return false;
    const { workspaces, runs } = this.#options;
    workspaces.get(workspaceId).coordinator.settleRun(runId);
    return runs.find(workspaceId, runId) !== undefined;
  }

  /** The row of a run. If a dead server left it open, it is ended first. Throws `RunNotFound`. */
  find(workspaceId: string, runId: string): RunRow {
    const { workspaces, runs } = this.#options;
    workspaces.get(workspaceId).coordinator.settle();
    const row = runs.find(workspaceId, runId);
    if (row === undefined) {
      throw new DomainError(
        "RunNotFound",
        `No run ${JSON.stringify(runId)} was accepted in this workspace.`,
      );
    }
    return this.#present(row);
  }

  /** A row as it is after the end of a dead server that left it open. */
  #present(row: RunRow): RunRow {
    const { runs, serverId, recoverIfDead } = this.#options;
    const isElsewhere =
      row.state !== "completed" && row.serverId !== serverId && row.serverId !== nobody;
    if (!isElsewhere || !recoverIfDead(row.serverId)) return row;
    return runs.at(row.position) ?? row;
  }
}
