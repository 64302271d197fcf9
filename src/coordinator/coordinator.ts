// The runs of one workspace (contract section 4): accepted in one synchronous step, one turn at a
// time per session, cancelled without races, handed over to the queue however a turn ends. The
// rules are `sessionState.ts`; this runs what they say.

import { assertNever } from "../base/assertNever.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import type { TurnOutcome } from "../engine/engine.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Session } from "../protocol/objects/session.js";
import type { Result } from "../protocol/registry.js";
import type { RunRow } from "../storage/runStore.js";
import type { SessionRow } from "../storage/sessionStore.js";
import {
  type Acceptance,
  type AcceptanceCaller,
  AcceptedRun,
  type RunRequest,
} from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { OpenRuns } from "./openRuns.js";
import { type Admission, RunAdmission, sessionBusy } from "./runAdmission.js";
import { RunEnding } from "./runEnding.js";
import { SessionNews } from "./sessionNews.js";
import {
  coveredBy,
  idle,
  isBusy,
  queueOf,
  type RunRef,
  type SessionEffect,
  type SessionInput,
  type SessionState,
  type Step,
  step,
} from "./sessionState.js";
import { TitleKeeper } from "./titleKeeper.js";
import { TurnRunner } from "./turnRunner.js";

/** Runs the prompts of one workspace. */
export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #states = new Map<string, SessionState>();
  readonly #runs = new OpenRuns();
  readonly #titles: TitleKeeper;
  readonly #turns: TurnRunner;
  readonly #admission: RunAdmission;
  readonly #ending: RunEnding;
  readonly #news: SessionNews;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#news = new SessionNews(options);
    this.#titles = new TitleKeeper(options, (sessionId) => {
      options.commits.settle(sessionId);
      this.#tellSession(sessionId);
    });
    this.#turns = new TurnRunner(options, this.#titles, {
      begin: (run) => this.#apply(run.request.sessionId, { type: "begin" }),
      fold: (run) => this.#fold(run),
      sessionChanged: (sessionId) => this.#tellSession(sessionId),
    });
    this.#admission = new RunAdmission(options, this.#runs);
    this.#ending = new RunEnding(options);
  }

  /**
   * Accepts a run: on disk before the caller is told, and from then on it ends with an outcome. Runs
   * that come together share a commit; whatever else is asked of the coordinator meanwhile finds the
   * run accepted, or refused, for it asks for that commit first ({@link settle}).
   *
   * A refusal is `RunIdConflict`, `SessionBusy`, `QueueFull` or `StorageFailed`; nothing has happened
   * then.
   */
  accept(request: RunRequest, caller: AcceptanceCaller): void {
    const stateNow = () => this.#state(request.sessionId);
    this.#admission.admit(request, stateNow, {
      admitted: (admission) => caller.accepted(this.#enter(request, admission)),
      refused: (error) => caller.refused(error),
    });
  }

  /** What is being accepted is accepted, or refused, when this returns; what has ended, over. */
  settle(): void {
    this.#options.commits.commit();
  }

  #enter(request: RunRequest, admitted: Admission): Acceptance {
    if (admitted.isDuplicate) {
      return { ...admitted, run: this.#runs.at(admitted.row.position) };
    }
    faultPoint("accepted");
    const { position } = admitted;
    const run = new AcceptedRun({ position, runId: request.runId, kind: request.kind }, request);
    this.#runs.add(run);
    this.#apply(request.sessionId, { type: "accept", run: run.ref });
    return { isDuplicate: false, run };
  }

  /**
   * Stops the running turn, what is accepted but not yet running, and what is queued.
   *
   * @throws DomainError `SessionBusy` where the session's turn runs in another server.
   */
  cancelSession(sessionId: string): Result<"cancelSession">["cancelled"] {
    this.settle();
    const state = this.#state(sessionId);
    if (!isBusy(state)) {
      this.#admission.refuseIfOwnedElsewhere(sessionId);
      return [];
    }
    this.#apply(sessionId, { type: "cancel" });
    return coveredBy(state);
  }

  /** Stops one run; others stay. */
  cancelRun(row: RunRow): Result<"cancelRun">["outcome"] {
    this.settle();
    if (row.state === "completed") return "alreadyCompleted";
    const run = this.#runs.at(row.position);
    if (run === undefined) {
      this.#admission.refuseIfOwnedElsewhere(row.sessionId);
      return "alreadyCompleted";
    }
    const outcome = run.hasBegun ? "stopping" : "cancelledBeforeStart";
    this.#apply(row.sessionId, { type: "cancelRun", position: row.position });
    return outcome;
  }

  /** Drops what is queued; returns how many. Throws `SessionBusy` as {@link cancelSession} does. */
  clearQueue(sessionId: string): number {
    this.settle();
    const { length } = queueOf(this.#state(sessionId));
    if (length === 0) this.#admission.refuseIfOwnedElsewhere(sessionId);
    this.#apply(sessionId, { type: "clearQueue" });
    return length;
  }

  /** The prompts that wait on a session, oldest first. */
  queuedPrompts(sessionId: string): string[] {
    this.settle();
    return queueOf(this.#state(sessionId)).map(
      (run) => this.#runs.at(run.position)?.request.prompt.text ?? "",
    );
  }

  /** Whether a turn runs on any session. */
  get isBusy(): boolean {
    return !this.#runs.isEmpty || this.#admission.isJoining;
  }

  /** @throws DomainError `SessionBusy` where a turn runs on any of them, here or elsewhere. */
  deleteSessions(sessionIds: readonly string[]): void {
    this.settle();
    for (const id of sessionIds) {
      if (isBusy(this.#state(id))) throw sessionBusy();
      this.#admission.refuseIfOwnedElsewhere(id);
    }
    // Another server may have accepted a run since the look.
    if (!this.#options.sessions.delete(sessionIds)) throw sessionBusy();
  }

  /** A session as a client sees it. */
  describe(row: SessionRow): Session {
    this.settle();
    return this.#news.describe(row, this.#state(row.id));
  }

  /** Writes what has streamed into a session's messages, so that a read finds all of it. */
  flush(sessionId: string): void {
    this.#runs.flush(sessionId);
  }

  /** Resolves once no run is left. */
  whenIdle(): Promise<void> {
    this.settle();
    return this.#runs.whenEmpty();
  }

  /**
   * Ends every run, each with its completion, and resolves once all have really ended. The caller
   * sees to it that no new run is accepted meanwhile.
   */
  async close(cause: RunCause): Promise<void> {
    this.settle();
    for (const sessionId of [...this.#states.keys()]) {
      this.#close(sessionId, cause);
    }
    this.#ending.hurry();
    await this.whenIdle();
    await this.#titles.close();
  }

  #close(sessionId: string, cause: RunCause): void {
    try {
      this.#apply(sessionId, { type: "close", cause });
    } catch (error) {
      // The disk refuses what the queue's runs are owed; the next server that opens the directory
      // writes it. What runs is ended all the same.
      this.#options.log.error(
        { sessionId, reason: messageOf(error) },
        "a queue could not be ended",
      );
      const next = step(this.#state(sessionId), { type: "close", cause });
      this.#setState(sessionId, next.state);
      for (const effect of next.effects) this.#run(effect);
    }
  }

  #state(sessionId: string): SessionState {
    return this.#states.get(sessionId) ?? idle;
  }

  /** Takes a step. What must be on disk is written first: if that fails, nothing has happened. */
  #apply(sessionId: string, input: SessionInput): Step {
    const before = this.#state(sessionId);
    const next = step(before, input);
    this.#ending.writeEffects(next.effects);
    this.#setState(sessionId, next.state);
    const queued = queueOf(next.state).length;
    if (queued !== queueOf(before).length) this.#news.queueChanged(sessionId, queued);
    for (const effect of next.effects) this.#run(effect);
    if (!isBusy(before) && isBusy(next.state)) this.#tellSession(sessionId);
    return next;
  }

  #setState(sessionId: string, state: SessionState): void {
    if (state.tag === "idle" || state.tag === "closed") this.#states.delete(sessionId);
    else this.#states.set(sessionId, state);
  }

  #run(effect: SessionEffect): void {
    switch (effect.type) {
      case "start":
        this.#start(effect.run);
        return;
      case "abort":
        this.#runs.at(effect.run.position)?.cancel(effect.cause);
        return;
      case "drop":
        for (const ref of effect.runs) {
          this.#runs.end(ref.position, { status: "cancelled", text: "" });
        }
        return;
      case "fold":
        return;
      default:
        assertNever(effect);
    }
  }

  #start(ref: RunRef): void {
    const run = this.#runs.at(ref.position);
    if (run === undefined) throw new Error(`run ${ref.position} is not here`);
    // The answer to the request that was accepted goes out before its run does anything.
    this.#options.clock.soon(() => {
      this.#turns.run(run).then((outcome) => this.#end(run, outcome));
    });
  }

  #fold(run: AcceptedRun): AcceptedRun[] {
    // What was sent before the model is called joins the call.
    this.#options.commits.settle(run.request.sessionId);
    const { effects } = this.#apply(run.request.sessionId, { type: "fold" });
    const joining = effects.flatMap((effect) => (effect.type === "fold" ? effect.runs : []));
    const joined = joining.flatMap((ref) => this.#runs.fold(ref.position) ?? []);
    run.folded += joined.length;
    return joined;
  }

  /** The one place where a turn's end hands over to the queue. */
  #end(run: AcceptedRun, outcome: TurnOutcome): void {
    const { sessionId } = run.request;
    const after = () => step(this.#state(sessionId), { type: "ended" });
    let told: SessionState | undefined;
    this.#ending.finish(run, outcome, {
      announce: () => {
        for (const child of run.children.keys()) this.#tellSession(child, idle);
        told = after().state;
        this.#tellSession(sessionId, told);
      },
      alsoWrite: () => {
        for (const effect of after().effects) {
          if (effect.type === "start") this.#options.runs.setState(effect.run.position, "accepted");
        }
      },
      done: () => {
        const { state } = this.#apply(sessionId, { type: "ended" });
        // A disk that made this end late has left time for a cancel of what is queued behind it.
        const isAsTold = told !== undefined && isBusy(told) === isBusy(state);
        if (!isAsTold) this.#tellSession(sessionId, state);
        this.#runs.end(run.ref.position, outcome);
      },
    });
  }

  #tellSession(sessionId: string, state = this.#states.get(sessionId)): void {
    this.#news.changed(sessionId, state);
  }
}
