// The runs of one workspace (protocol.md section 4): runs are accepted in one synchronous step,
// each session has one turn at a time, cancels have no races, and every end of a turn hands over to
// the queue. The rules are in `sessionState.ts`; this class carries them out.

import { assertNever } from "../base/assertNever.js";
import { faultPoint } from "../base/faultPoint.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Session } from "../protocol/objects/session.js";
import type { Result } from "../protocol/registry.js";
import type { Owner, RunRow } from "../storage/runStore.js";
import type { SessionRow } from "../storage/sessionStore.js";
import type { Acceptance, AcceptanceCaller } from "./acceptance.js";
import { AcceptedRun, type RunRequest, refOf } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { JoiningRuns } from "./joiningRuns.js";
import { LazyTurns } from "./lazyTurns.js";
import { LiveTurns } from "./liveTurns.js";
import { OpenRuns } from "./openRuns.js";
import { RunAdmission } from "./runAdmission.js";
import { RunEnding } from "./runEnding.js";
import { RunParking } from "./runParking.js";
import { SessionNews } from "./sessionNews.js";
import { SessionQueue } from "./sessionQueue.js";
import {
  isBusy,
  queueOf,
  type RunRef,
  type SessionEffect,
  type SessionInput,
  type SessionState,
} from "./sessionState.js";
import { type AlsoFold, SessionSteps, type TakenStep } from "./sessionSteps.js";
import { SessionStops } from "./sessionStops.js";
import { TurnHandOver } from "./turnHandOver.js";

/** Runs the prompts of one workspace. */
export class Coordinator {
  /** Its sessions' queues, as clients list and change them. */
  readonly queue: SessionQueue;
  /** What its turns say while they run. */
  readonly live: LiveTurns;
  readonly #options: CoordinatorOptions;
  readonly #runs: OpenRuns;
  readonly #turns: LazyTurns;
  readonly #admission: RunAdmission;
  readonly #ending: RunEnding;
  readonly #steps: SessionSteps;
  readonly #news: SessionNews;
  readonly #joining: JoiningRuns;
  readonly #stops: SessionStops;
  readonly #parking: RunParking;
  readonly #handOver: TurnHandOver;
  #isEnding = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#runs = new OpenRuns(options.runsOfServer);
    this.#news = new SessionNews(options);
    this.#turns = new LazyTurns(options, {
      begin: (run) => this.#apply(run.request.sessionId, { type: "begin" }),
      fold: (run, store) => this.#handOver.fold(run, store),
      sessionChanged: (sessionId) => this.#tellSession(sessionId),
    });
    this.#admission = new RunAdmission(options, this.#runs);
    this.#ending = new RunEnding(options);
    const ownerOf = (position: number) => this.#ownerOf(position);
    this.#steps = new SessionSteps({ ...options, ownerOf });
    this.live = new LiveTurns(this.#runs, this.#steps);
    this.#parking = new RunParking(options);
    this.queue = new SessionQueue(options, {
      open: this.#runs,
      steps: this.#steps,
      admission: this.#admission,
      news: this.#news,
      apply: (sessionId, input) => this.#apply(sessionId, input),
      withdraw: (sessionId) => this.#joining.withdraw(sessionId),
      goOn: (sessionId, state) => this.#goOn(sessionId, state),
    });
    this.#joining = new JoiningRuns(options, {
      plan: (request) =>
        this.#admission.plan(request, () => {
          this.queue.adoption.takeOver(request.sessionId);
          return this.#steps.of(request.sessionId);
        }),
      stateOf: (sessionId) => this.#steps.of(sessionId),
      open: this.#runs,
      enter: (request, position) => this.#enter(request, position),
    });
    this.#handOver = new TurnHandOver(options, {
      open: this.#runs,
      steps: this.#steps,
      ending: this.#ending,
      parking: this.#parking,
      ownerOf,
      apply: (sessionId, input, alsoFold) => this.#apply(sessionId, input, alsoFold),
      tellSession: (sessionId, state) => this.#tellSession(sessionId, state),
    });
    this.#stops = new SessionStops(options, {
      open: this.#runs,
      steps: this.#steps,
      admission: this.#admission,
      joining: this.#joining,
      queue: this.queue,
      settle: () => this.settle(),
      apply: (sessionId, input) => this.#apply(sessionId, input),
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
    if (this.#isEnding && run.goesOn) run.beginParking();
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
    return this.#stops.cancelSession(sessionId);
  }

  /** Stops one run; others stay. */
  cancelRun(row: RunRow): Result<"cancelRun">["outcome"] {
    return this.#stops.cancelRun(row);
  }

  /** Whether a turn runs on any session. */
  get isBusy(): boolean {
    return this.#steps.isBusy || !this.#joining.isEmpty;
  }

  /**
   * Deletes sessions; what waits in their paused queues, or for a server, is dropped.
   *
   * @throws DomainError `SessionBusy` where a turn runs on any of them, here or elsewhere.
   */
  deleteSessions(sessionIds: readonly string[]): void {
    this.#stops.deleteSessions(sessionIds);
  }

  /** A session as a client sees it. */
  describe(row: SessionRow): Session {
    this.settle();
    return this.#news.describe(row, this.#steps.of(row.id));
  }

  /** Takes over what waits on a session for a server; whether something was. */
  adopt(sessionId: string): boolean {
    this.settle();
    this.queue.adoption.takeOver(sessionId);
    return this.#steps.known(sessionId) !== undefined;
  }

  /** Stops the turns that another server goes on with, because it took this one for dead. */
  dropLost(): void {
    this.#handOver.dropLost();
  }

  /** The server ends: the runs that go on begin nothing more, and are given up as soon as they can. */
  beginParking(): void {
    this.settle();
    this.queue.adoption.close();
    this.#isEnding = true;
    for (const run of this.#runs.all()) if (run.goesOn) run.beginParking();
  }

  /** The `runId`s of the runs that were given up at a polite end, for the next server. */
  get parked(): readonly string[] {
    return this.#parking.parked;
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
    this.queue.adoption.close();
    this.#joining.withdraw();
    for (const sessionId of this.#steps.sessionIds) {
      this.#apply(sessionId, { type: "close", cause });
    }
    this.#ending.hurry();
    await this.whenIdle();
    await this.#turns.close();
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
        this.#abort(effect.run, effect.cause);
        return;
      case "drop":
        this.#steps.drop(effect.runs, effect.cause);
        this.#runs.drop(effect.runs);
        return;
      case "keep":
        this.#parking.keep(this.queue.adoption.leave(effect.runs));
        return;
      case "fold":
        return;
      default:
        assertNever(effect);
    }
  }

  /** A polite end of the server ends no run that goes on: the next server does. */
  #abort(ref: RunRef, cause: RunCause): void {
    const run = this.#runs.at(ref.position);
    if (run === undefined) return;
    // A rewind that has begun is finished by whoever opens the directory next, and not made again.
    const isOver = run.command === "undo" && run.hasBegun;
    const isPolite = cause !== "user" && cause !== "deleted";
    if (run.goesOn && isPolite && !isOver) this.#parking.park(run);
    else this.#stops.abort(run, cause);
  }

  #ownerOf(position: number): Owner {
    return { serverId: this.#options.serverId, epoch: this.#runs.at(position)?.epoch ?? 0 };
  }

  /** The session was taken over from another server. */
  #goOn(sessionId: string, state: SessionState): void {
    this.#steps.set(sessionId, state);
    this.#news.queueChanged(sessionId, state);
    if (state.tag === "running") this.#start(state.run);
    this.#tellSession(sessionId, state);
  }

  #start(ref: RunRef): void {
    const run = this.#runs.get(ref.position);
    // The answer to the accepted request is sent before its run does anything.
    this.#options.clock.soon(() => {
      this.#turns.run(run).then((outcome) => this.#handOver.end(run, outcome));
    });
  }

  #tellSession(sessionId: string, state = this.#steps.known(sessionId)): void {
    this.#news.changed(sessionId, state);
  }
}
