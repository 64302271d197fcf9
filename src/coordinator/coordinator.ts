// The runs of one workspace (contract section 4): accepted in one synchronous step, one turn at a
// time per session, cancelled without races, handed over to the queue however a turn ends. The
// rules are `sessionState.ts`; this runs what they say.
import type { TurnOutcome } from "../agent/ports.js";
import { assertNever } from "../base/assertNever.js";
import { Deferred } from "../base/deferred.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Session } from "../protocol/objects/session.js";
import type { Result } from "../protocol/registry.js";
import type { RunRow } from "../storage/runStore.js";
import type { SessionRow } from "../storage/sessionStore.js";
import { type Acceptance, AcceptedRun, type RunRequest } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { RunAdmission, sessionBusy } from "./runAdmission.js";
import { RunEnding } from "./runEnding.js";
import { SessionNews } from "./sessionNews.js";
import {
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
  readonly #runs = new Map<number, AcceptedRun>();
  readonly #titles: TitleKeeper;
  readonly #turns: TurnRunner;
  readonly #admission: RunAdmission;
  readonly #ending: RunEnding;
  readonly #news: SessionNews;
  readonly #whenIdle: Deferred<void>[] = [];

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#news = new SessionNews(options);
    this.#titles = new TitleKeeper(options, (sessionId) => this.#tellSession(sessionId));
    this.#turns = new TurnRunner(options, this.#titles, {
      begin: (run) => this.#apply(run.request.sessionId, { type: "begin" }),
      fold: (run) => this.#fold(run),
      sessionChanged: (sessionId) => this.#tellSession(sessionId),
    });
    this.#admission = new RunAdmission(options);
    this.#ending = new RunEnding(options);
  }

  /**
   * Accepts a run: on disk before this returns, and from then on it ends with an outcome. There is
   * no `await` in here, so nothing comes between the checks and what they allow.
   *
   * @throws DomainError `RunIdConflict`, `SessionBusy`, `QueueFull` or `StorageFailed`; nothing has
   *   happened then.
   */
  accept(request: RunRequest): Acceptance {
    const admitted = this.#admission.admit(request, this.#state(request.sessionId));
    if (admitted.isDuplicate) {
      return { ...admitted, run: this.#runs.get(admitted.row.position) };
    }
    faultPoint("accepted");
    const { position } = admitted;
    const run = new AcceptedRun({ position, runId: request.runId, kind: request.kind }, request);
    this.#runs.set(position, run);
    this.#apply(request.sessionId, { type: "accept", run: run.ref });
    return { isDuplicate: false, run };
  }

  /**
   * Stops the running turn, what is accepted but not yet running, and what is queued.
   *
   * @throws DomainError `SessionBusy` where the session's turn runs in another server.
   */
  cancelSession(sessionId: string): Result<"cancelSession">["cancelled"] {
    const state = this.#state(sessionId);
    if (!isBusy(state)) {
      this.#admission.refuseIfOwnedElsewhere(sessionId);
      return [];
    }
    const covered: Result<"cancelSession">["cancelled"] = [];
    if (state.tag === "running") {
      covered.push({ ...idOf(state.run), was: state.hasBegun ? "running" : "accepted" });
    }
    for (const run of queueOf(state)) covered.push({ ...idOf(run), was: "queued" });
    this.#apply(sessionId, { type: "cancel" });
    return covered;
  }

  /** Stops one run; others stay. */
  cancelRun(row: RunRow): Result<"cancelRun">["outcome"] {
    if (row.state === "completed") return "alreadyCompleted";
    const run = this.#runs.get(row.position);
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
    const { length } = queueOf(this.#state(sessionId));
    if (length === 0) this.#admission.refuseIfOwnedElsewhere(sessionId);
    this.#apply(sessionId, { type: "clearQueue" });
    return length;
  }

  /** The prompts that wait on a session, oldest first. */
  queuedPrompts(sessionId: string): string[] {
    return queueOf(this.#state(sessionId)).map(
      (run) => this.#runs.get(run.position)?.request.prompt.text ?? "",
    );
  }

  /** Whether a turn runs on any session. */
  get isBusy(): boolean {
    return this.#runs.size > 0;
  }

  /** @throws DomainError `SessionBusy` where a turn runs on the session, here or elsewhere. */
  refuseIfBusy(sessionId: string): void {
    if (isBusy(this.#state(sessionId))) throw sessionBusy();
    this.#admission.refuseIfOwnedElsewhere(sessionId);
  }

  /** A session as a client sees it. */
  describe(row: SessionRow): Session {
    return this.#news.describe(row, this.#state(row.id));
  }

  /** Writes what has streamed into a session's messages, so that a read finds all of it. */
  flush(sessionId: string): void {
    for (const run of this.#runs.values()) {
      if (run.request.sessionId === sessionId) run.recorder?.flush();
      run.children.get(sessionId)?.flush();
    }
  }

  /** Resolves once no run is left. */
  whenIdle(): Promise<void> {
    if (!this.isBusy) return Promise.resolve();
    const deferred = new Deferred<void>();
    this.#whenIdle.push(deferred);
    return deferred.promise;
  }

  /**
   * Ends every run, each with its completion, and resolves once all have really ended. The caller
   * sees to it that no new run is accepted meanwhile.
   */
  async close(cause: RunCause): Promise<void> {
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
    this.#writeEffects(next.effects);
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

  #writeEffects(effects: readonly SessionEffect[]): void {
    const { database, runs } = this.#options;
    for (const effect of effects) {
      if (effect.type === "drop") this.#ending.drop(effect.runs, effect.cause);
      if (effect.type === "fold") {
        database.write(() => {
          for (const run of effect.runs) runs.fold(run.position, effect.into.position);
        });
      }
    }
  }

  #run(effect: SessionEffect): void {
    switch (effect.type) {
      case "start":
        this.#start(effect.run);
        return;
      case "abort":
        this.#runs.get(effect.run.position)?.cancel(effect.cause);
        return;
      case "drop":
        for (const ref of effect.runs) {
          this.#forget(ref, { status: "cancelled", text: "" });
        }
        return;
      case "fold":
        return;
      default:
        assertNever(effect);
    }
  }

  #start(ref: RunRef): void {
    const run = this.#runs.get(ref.position);
    if (run === undefined) throw new Error(`run ${ref.position} is not here`);
    // The answer to the request that was accepted goes out before its run does anything.
    this.#options.clock.soon(() => {
      this.#turns.run(run).then((outcome) => this.#end(run, outcome));
    });
  }

  #fold(run: AcceptedRun): AcceptedRun[] {
    const { effects } = this.#apply(run.request.sessionId, { type: "fold" });
    const joining = effects.flatMap((effect) => (effect.type === "fold" ? effect.runs : []));
    const joined = joining.flatMap((ref) => this.#runs.get(ref.position) ?? []);
    for (const { ref } of joined) this.#runs.delete(ref.position);
    run.folded += joined.length;
    return joined;
  }

  /** The one place where a turn's end hands over to the queue. */
  #end(run: AcceptedRun, outcome: TurnOutcome): void {
    const { sessionId } = run.request;
    const after = () => step(this.#state(sessionId), { type: "ended" });
    this.#ending.finish(run, outcome, {
      announce: () => {
        for (const child of run.children.keys()) this.#tellSession(child, idle);
        this.#tellSession(sessionId, after().state);
      },
      alsoWrite: () => {
        for (const effect of after().effects) {
          if (effect.type === "start") this.#options.runs.setState(effect.run.position, "accepted");
        }
      },
      done: () => {
        this.#apply(sessionId, { type: "ended" });
        this.#forget(run.ref, outcome);
      },
    });
  }

  #forget(ref: RunRef, outcome: TurnOutcome): void {
    const run = this.#runs.get(ref.position);
    this.#runs.delete(ref.position);
    run?.ended.resolve(outcome);
    if (this.#runs.size === 0) {
      for (const deferred of this.#whenIdle.splice(0)) deferred.resolve();
    }
  }

  #tellSession(sessionId: string, state = this.#states.get(sessionId)): void {
    this.#news.changed(sessionId, state);
  }
}

function idOf(run: RunRef): { runId?: string } {
  return run.runId === undefined ? {} : { runId: run.runId };
}
