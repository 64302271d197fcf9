// The runs of one workspace (protocol.md section 4): runs are accepted in one synchronous step,
// each session has one turn at a time, cancels have no races, and every end of a turn hands over to
// the queue. The rules are in `sessionState.ts`; this class carries them out.

import { assertNever } from "../base/assertNever.js";
import { faultPoint } from "../base/faultPoint.js";
import type { Prompt, TurnOutcome } from "../engine/engine.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Session } from "../protocol/objects/session.js";
import type { Result } from "../protocol/registry.js";
import type { RunRow } from "../storage/runStore.js";
import type { SessionRow } from "../storage/sessionStore.js";
import type { Acceptance, AcceptanceCaller } from "./acceptance.js";
import { AcceptedRun, type RunRequest, refOf } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { coveredBy } from "./coveredRuns.js";
import { JoiningRuns } from "./joiningRuns.js";
import { LiveTurns } from "./liveTurns.js";
import { OpenRuns } from "./openRuns.js";
import { RunAdmission, sessionBusy } from "./runAdmission.js";
import { RunEnding } from "./runEnding.js";
import { SessionNews } from "./sessionNews.js";
import { SessionQueue } from "./sessionQueue.js";
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
import { type AlsoFold, SessionSteps, type TakenStep } from "./sessionSteps.js";
import { TitleKeeper } from "./titleKeeper.js";
import { TurnRunner } from "./turnRunner.js";

/** Runs the prompts of one workspace. */
export class Coordinator {
  /** Its sessions' queues, as clients list and change them. */
  readonly queue: SessionQueue;
  /** What its turns say while they run. */
  readonly live: LiveTurns;
  readonly #options: CoordinatorOptions;
  readonly #runs: OpenRuns;
  readonly #titles: TitleKeeper;
  readonly #turns: TurnRunner;
  readonly #admission: RunAdmission;
  readonly #ending: RunEnding;
  readonly #steps: SessionSteps;
  readonly #news: SessionNews;
  readonly #joining: JoiningRuns;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#runs = new OpenRuns(options.runsOfServer);
    this.#news = new SessionNews(options);
    this.#titles = new TitleKeeper(options, (sessionId) => {
      options.commits.settle(sessionId);
      this.#tellSession(sessionId);
    });
    this.#turns = new TurnRunner(options, this.#titles, {
      begin: (run) => this.#apply(run.request.sessionId, { type: "begin" }),
      fold: (run, store) => this.#fold(run, store),
      sessionChanged: (sessionId) => this.#tellSession(sessionId),
    });
    this.#admission = new RunAdmission(options, this.#runs);
    this.#ending = new RunEnding(options);
    this.#steps = new SessionSteps(options);
    this.live = new LiveTurns(this.#runs, this.#steps);
    this.queue = new SessionQueue(options, {
      open: this.#runs,
      steps: this.#steps,
      admission: this.#admission,
      news: this.#news,
      apply: (sessionId, input) => this.#apply(sessionId, input),
      withdraw: (sessionId) => this.#joining.withdraw(sessionId),
    });
    this.#joining = new JoiningRuns(options, {
      plan: (request) =>
        this.#admission.plan(request, () => {
          this.queue.kept.takeOver(request.sessionId);
          return this.#steps.of(request.sessionId);
        }),
      stateOf: (sessionId) => this.#steps.of(sessionId),
      open: this.#runs,
      enter: (request, position) => this.#enter(request, position),
    });
  }

  /**
   * Accepts a run: on disk before the caller is told, and from then on it ends with an outcome. Runs
   * that come together share a commit; whatever else is asked of the coordinator meanwhile finds the
   * run accepted, or refused, for it asks for that commit first ({@link settle}). Where another program
   * holds the database it is neither yet, and comes when that lets go, or is refused.
   *
   * A refusal is `RunIdConflict`, `SessionBusy`, `QueueFull` or `StorageFailed`; nothing has happened
   * then.
   */
  accept(request: RunRequest, caller: AcceptanceCaller): void {
    this.#joining.accept(request, caller);
  }

  /** Like {@link settle}, of one `runId`: all other runs go on waiting for the commit that they share. */
  settleRun(runId: string): void {
    this.#joining.settle(runId);
  }

  #enter(request: RunRequest, position: number): Acceptance {
    faultPoint("accepted");
    const run = new AcceptedRun(refOf(position, request), request);
    this.#runs.add(run);
    this.#apply(request.sessionId, { type: "accept", run: run.ref });
    return { isDuplicate: false, run };
  }

  /**
   * When this returns, waiting runs are accepted or refused, and waiting ends are on disk, unless
   * another program holds the database: then they go on waiting.
   */
  settle(): void {
    this.#options.commits.commit();
    this.#options.owed.settle();
  }

  /**
   * Stops the running turn, what is accepted but not yet running, and what is queued.
   *
   * @throws DomainError `SessionBusy` where the session's turn runs in another server.
   */
  cancelSession(sessionId: string): Result<"cancelSession">["cancelled"] {
    this.settle();
    // A stop stops: what could not be accepted before it is not accepted after it.
    this.#joining.withdraw(sessionId);
    const state = this.#here(sessionId);
    if (state === undefined) {
      this.#admission.refuseIfOwnedElsewhere(sessionId);
      return [];
    }
    this.#apply(sessionId, { type: "cancel" });
    return coveredBy(state, this.#runs.joinedTo(state));
  }

  /** Stops one run; others stay. */
  cancelRun(row: RunRow): Result<"cancelRun">["outcome"] {
    if (row.state === "completed") return "alreadyCompleted";
    this.#here(row.sessionId);
    const run = this.#runs.at(row.position);
    if (run === undefined) {
      this.#admission.refuseIfOwnedElsewhere(row.sessionId);
      return "alreadyCompleted";
    }
    if (run.hasJoined) return "joined";
    const outcome = run.hasBegun ? "stopping" : "cancelledBeforeStart";
    this.#apply(row.sessionId, { type: "cancelRun", position: row.position });
    return outcome;
  }

  /** What runs or waits on a session in this server, or can be taken over; undefined: nothing does. */
  #here(sessionId: string): SessionState | undefined {
    this.settle();
    this.queue.kept.takeOver(sessionId);
    return this.#steps.known(sessionId);
  }

  /** Whether a turn runs on any session. */
  get isBusy(): boolean {
    return this.#steps.isBusy || !this.#joining.isEmpty;
  }

  /**
   * Deletes sessions; what waits in their paused queues is dropped.
   *
   * @throws DomainError `SessionBusy` where a turn runs on any of them, here or elsewhere.
   */
  deleteSessions(sessionIds: readonly string[]): void {
    for (const id of sessionIds) {
      if (isBusy(this.#here(id) ?? idle) || this.#joining.has(id)) throw sessionBusy();
      this.#admission.refuseIfOwnedElsewhere(id);
    }
    for (const id of sessionIds) this.#apply(id, { type: "close", cause: "deleted" });
    // Another server may have accepted a run since the look.
    if (!this.#options.sessions.delete(sessionIds)) throw sessionBusy();
  }

  /** A session as a client sees it. */
  describe(row: SessionRow): Session {
    this.settle();
    return this.#news.describe(row, this.#steps.of(row.id));
  }

  /** Resolves once no turn runs any more and none is about to. */
  whenIdle(): Promise<void> {
    this.settle();
    return this.#steps.whenIdle();
  }

  /**
   * Ends every run, each with its completion, and resolves once all have really ended. What waits in a
   * paused queue is kept, unless the cause is `deleted`. The caller sees to it that no new run is
   * accepted meanwhile.
   */
  async close(cause: RunCause): Promise<void> {
    this.settle();
    this.queue.kept.close();
    this.#joining.withdraw();
    for (const sessionId of this.#steps.sessionIds) {
      this.#apply(sessionId, { type: "close", cause });
    }
    this.#ending.hurry();
    await this.whenIdle();
    await this.#titles.close();
  }

  #apply(sessionId: string, input: SessionInput, alsoFold?: AlsoFold): TakenStep {
    const taken = this.#steps.take(sessionId, input, alsoFold);
    const { before, after, effects } = taken;
    if (queueOf(after).length !== queueOf(before).length) this.#news.queueChanged(sessionId, after);
    for (const effect of effects) this.#run(effect);
    if (!isBusy(before) && isBusy(after)) this.#tellSession(sessionId);
    return taken;
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
        this.#steps.drop(effect.runs, effect.cause);
        this.#runs.drop(effect.runs);
        return;
      case "keep":
        this.queue.kept.leave(effect.runs);
        return;
      case "fold":
        return;
      default:
        assertNever(effect);
    }
  }

  #start(ref: RunRef): void {
    const run = this.#runs.get(ref.position);
    // The answer to the accepted request is sent before its run does anything.
    this.#options.clock.soon(() => {
      this.#turns.run(run).then((outcome) => this.#end(run, outcome));
    });
  }

  #fold(run: AcceptedRun, store: (prompts: readonly Prompt[]) => void): readonly Prompt[] {
    const { sessionId } = run.request;
    // Prompts that were sent before the model is called join the call.
    this.#options.commits.settle(sessionId);
    const promptsOf = (refs: readonly RunRef[]) =>
      refs.map(({ position }) => this.#runs.get(position).request.prompt);
    const alsoFold = (refs: readonly RunRef[]) => store(promptsOf(refs));
    const { effects } = this.#apply(sessionId, { type: "fold" }, alsoFold);
    const joining = effects.flatMap((effect) => (effect.type === "fold" ? effect.runs : []));
    const prompts = promptsOf(joining);
    this.#runs.fold(joining, run);
    return prompts;
  }

  /** The one place where a turn's end hands over to the queue. */
  #end(run: AcceptedRun, outcome: TurnOutcome): void {
    const { sessionId } = run.request;
    const after = () => step(this.#steps.of(sessionId), { type: "ended" });
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
        const { after: state } = this.#apply(sessionId, { type: "ended" });
        // If the disk delayed this end, the queued runs may have been cancelled meanwhile.
        const isAsTold = told !== undefined && isBusy(told) === isBusy(state);
        if (!isAsTold) this.#tellSession(sessionId, state);
        this.#runs.end(run.ref.position, outcome);
      },
    });
  }

  #tellSession(sessionId: string, state = this.#steps.known(sessionId)): void {
    this.#news.changed(sessionId, state);
  }
}
