// The only writer of an outcome: it writes the run and its completion in one durable transaction
// (protocol.md section 5), after everything else of the run was sent.

import { waitAfter } from "../base/backOff.js";
import { type Timer, toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import { cutText } from "../base/text.js";
import type { TurnOutcome } from "../engine/engine.js";
import { isDiskTrouble } from "../storage/storageError.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { joinedCompletion, type TurnCompletion } from "./joinedCompletion.js";
import { failureOutcome } from "./runFailure.js";
import { runLog } from "./runLog.js";
import { runStanding } from "./runStanding.js";

const retries = { firstMs: 250, mostMs: 10_000 };
/** How often the disk is tried once the workspace is being closed. */
const mostTriesAtClose = 3;
/** The longest error text of a completion, in UTF-16 units. */
const longestError = 10_000;

/** Callbacks around the writing of an outcome. */
export interface EndingHooks {
  /** Sends the events of the end, before the completion. */
  announce(): void;
  /** Joins the transaction that writes the outcome. */
  alsoWrite(): void;
  /** Called once the outcome is on disk, or is no longer waited for. */
  done(): void;
}

/** An outcome on its way to the disk. */
interface Ending {
  readonly run: AcceptedRun;
  readonly outcome: TurnOutcome;
  readonly hooks: EndingHooks;
  /** Sends the events of the end, the first time that it is called. */
  readonly announce: () => void;
  /** How often it is tried, this time included. */
  readonly attempt: number;
  /** How often it has failed since the workspace is being closed. */
  readonly triesAtClose: number;
}

type EndingOptions = Pick<
  CoordinatorOptions,
  | "workspaceId"
  | "database"
  | "sessions"
  | "serverId"
  | "runs"
  | "queues"
  | "goingOn"
  | "outbox"
  | "commits"
  | "owed"
  | "announcer"
  | "clock"
  | "ids"
  | "log"
>;

/** Ends runs. */
export class RunEnding {
  readonly #options: EndingOptions;
  /** The outcomes that wait for the disk, each with a function that tries it again now. */
  readonly #waiting = new Map<Timer, () => void>();
  #isClosing = false;

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  /**
   * Writes how a run ended. A disk that fails is tried again, so that the completion is late rather
   * than lost; from {@link hurry} on the workspace does not wait for it.
   */
  finish(run: AcceptedRun, outcome: TurnOutcome, hooks: EndingHooks): void {
    this.#settle(run);
    let isTold = false;
    const announce = () => {
      if (isTold) return;
      isTold = true;
      try {
        this.#announce(run, outcome);
        hooks.announce();
      } catch (error) {
        // Only events were lost, which may be lost. The outcome matters.
        const log = runLog(run, this.#options);
        log.warn({ reason: messageOf(error) }, "the end of a run could not be told");
      }
    };
    // Who watches does not wait for another program. Else what is told is what the commit has written.
    if (this.#options.database.isHeld) {
      // What the run has said is told before.
      run.writes?.tryWaiting();
      announce();
    }
    this.#write({ run, outcome, hooks, announce, attempt: 1, triesAtClose: 0 });
  }

  /**
   * The workspace is being closed: waiting outcomes are tried again at once, and only a few times.
   */
  hurry(): void {
    this.#isClosing = true;
    for (const [timer, retry] of [...this.#waiting]) {
      timer.cancel();
      this.#waiting.delete(timer);
      retry();
    }
  }

  #announce(run: AcceptedRun, outcome: TurnOutcome): void {
    const { announcer, sessions, workspaceId } = this.#options;
    const { sessionId, runId } = run.request;
    const head = { workspaceId, sessionId, ...defined({ runId }) };
    if (outcome.status === "failed") {
      const message = cutText(outcome.error ?? "The run failed.", longestError);
      const name = outcome.errorName ?? "InternalError";
      announcer.emit({ method: "agentError", params: { ...head, message, name } });
    }
    if (run.hasBegun) {
      const sessionTitle = sessions.text(workspaceId, sessionId, "title") ?? "";
      announcer.emit({ method: "agentFinished", params: { ...head, sessionTitle } });
    }
  }

  #write(ending: Ending): void {
    const { run, hooks } = ending;
    const { commits, outbox, owed } = this.#options;
    // Earlier owed writes of its session are written before this end.
    owed.flush();
    let isOurs = true;
    commits.join({
      isDurable: true,
      subjects: [run.request.sessionId, ...run.children.keys()],
      // Another program holds the database for a while: nothing is gained by giving up.
      waitsUntil: Number.POSITIVE_INFINITY,
      write: () => {
        isOurs = this.#writeOutcome(ending);
      },
      accepted: () => {
        ending.announce();
        // The lock of this server did not hold. Trying again would not help, and nobody must wait
        // for it.
        if (!isOurs) {
          const log = runLog(run, this.#options);
          log.error({}, "another server has ended this run, or has it now");
          for (const { ref } of [run, ...run.joined]) outbox.announceStanding(ref.position);
        }
        run.closeMessages();
        hooks.done();
      },
      refused: (error) => this.#refused(ending, error),
    });
  }

  #refused(ending: Ending, error: unknown): void {
    const { clock, ids } = this.#options;
    const { run, hooks, attempt } = ending;
    const log = runLog(run, this.#options);
    const triesAtClose = this.#isClosing ? ending.triesAtClose + 1 : 0;
    // What the run has said comes before its end; where the disk goes on to refuse it, nobody waits for that.
    if (attempt > 1 || triesAtClose >= mostTriesAtClose) run.writes?.early.tellNow();
    if (run.writes?.early.isUntold !== true) ending.announce();
    const fields = { attempt, reason: messageOf(error) };
    if (triesAtClose >= mostTriesAtClose) {
      log.error(
        fields,
        "the outcome of a run could not be stored; the workspace closes without it",
      );
      this.#options.owed.owe(() => {
        this.#writeOutcome({ ...ending, hooks: { ...hooks, alsoWrite: () => {} } });
      });
      hooks.done();
      return;
    }
    log.error(fields, "the outcome of a run could not be stored yet");
    const wait = waitAfter(attempt, retries);
    const again = (tries: number) => {
      this.#settle(run);
      const loss = ending.outcome.status === "succeeded" ? run.writes?.early.loss : undefined;
      // A message was found to be lost only in the commit of the end.
      if (loss !== undefined) this.finish(run, failureOutcome(loss.error, { ids, log }), hooks);
      else this.#write({ ...ending, attempt: tries, triesAtClose });
    };
    const timer = clock.after(wait, () => {
      this.#waiting.delete(timer);
      again(attempt + 1);
    });
    this.#waiting.set(timer, () => again(1));
  }

  /**
   * Prompts that were sent to its session before this end are queued now, so that the end starts
   * the next of them.
   */
  #settle(run: AcceptedRun): void {
    this.#options.commits.settle(run.request.sessionId);
  }

  /** Returns false if the run has an outcome already, or if another server has it now. */
  #writeOutcome({ run, outcome, hooks, announce }: Ending): boolean {
    const { runs, queues, goingOn, outbox, serverId, database } = this.#options;
    const { position } = run.ref;
    const isOurs = runs.setState(position, "completed", { serverId, epoch: run.epoch });
    run.hasEndedHere = isOurs;
    if (!isOurs) {
      if (runs.at(position)?.state !== "completed") run.lose();
      else hooks.alsoWrite();
      return false;
    }
    run.writeMessages((error) => {
      if (isDiskTrouble(error)) throw error;
      const fields = { reason: messageOf(error) };
      runLog(run, this.#options).error(fields, "a part of what a run did could not be stored");
    });
    queues.forget(position);
    goingOn.forget(position);
    hooks.alsoWrite();
    // Before the completion, which is announced behind it.
    database.afterCommit(announce);
    const row = runs.at(position);
    if (row !== undefined && needsCompletion(run, outcome)) {
      const content = this.#content(run, outcome);
      const completionId = outbox.append(row, content);
      this.#endJoined(run, { completionId, runId: row.runId, content });
    }
    faultPoint("finishing");
    return true;
  }

  #endJoined({ joined }: AcceptedRun, turn: TurnCompletion): void {
    const { runs, goingOn, outbox } = this.#options;
    for (const { ref } of joined) {
      const row = runs.at(ref.position);
      goingOn.forget(ref.position);
      const isOpen = runs.setState(ref.position, "completed");
      if (row !== undefined && isOpen) outbox.append(row, joinedCompletion(turn));
    }
  }

  #content(run: AcceptedRun, outcome: TurnOutcome) {
    const isCancelled = outcome.status === "cancelled";
    const cause = isCancelled ? (run.cause ?? "user") : outcome.cause;
    const { warnings } = run.recorder ?? {};
    // Another server may have begun the turn.
    const isWhole = run.takenOver === undefined;
    const usage = isWhole ? run.recorder?.usage : this.#options.runs.usage(run.ref.position);
    const { workspaceId } = this.#options;
    const { sessionId } = run.request;
    return {
      ...defined({ messageId: outcome.messageId }),
      text: outcome.text,
      ...defined({ output: outcome.output }),
      status: outcome.status,
      cancelled: isCancelled,
      ...defined({
        error: outcome.error === undefined ? undefined : cutText(outcome.error, longestError),
        errorName: outcome.errorName,
        cause,
      }),
      foldedPrompts: run.folded,
      ...defined({
        continuations: run.takenOver?.continuations || undefined,
        usage,
        denials: outcome.denials,
        warnings,
      }),
      ...runStanding(this.#options, { workspaceId, sessionId, position: run.ref.position }),
      completedAt: toRfc3339(this.#options.clock.now()),
    };
  }
}

/**
 * Whether a run has a completion of its own: every run with a `runId`; without one, every turn that
 * began or was cancelled on the way to it. A summary without a `runId` has none: its answer tells
 * the end.
 */
function needsCompletion(run: AcceptedRun, outcome: TurnOutcome): boolean {
  if (run.request.runId !== undefined) return true;
  if (run.request.kind === "summary") return false;
  return run.hasBegun || outcome.status === "cancelled";
}
