// The only writer of an outcome: run and completion in one durable transaction (contract
// section 5), after everything else of the run has been told.
import type { TurnOutcome } from "../agent/ports.js";
import { type Timer, toRfc3339 } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { AcceptedRun } from "./acceptedRun.js";
import { completionText } from "./completionText.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import type { RunRef } from "./sessionState.js";

const firstRetryMs = 250;
const maxRetryMs = 10_000;
/** How often the disk is tried once the workspace is to be closed. */
const triesOnceClosing = 3;

/** What happens around the writing of an outcome. */
export interface EndingHooks {
  /** Tells what changes with the end, before the completion. */
  announce(): void;
  /** Joins the transaction that writes the outcome. */
  alsoWrite(): void;
  /** Called once the outcome is on disk, or was given up on. */
  done(): void;
}

/** Ends runs. */
export class RunEnding {
  readonly #options: CoordinatorOptions;
  /** The outcomes that wait for the disk, each with how to try it again now. */
  readonly #waiting = new Map<Timer, () => void>();
  #isClosing = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  /** Ends runs that never began: those with a `runId` get a cancelled completion. */
  drop(dropped: readonly RunRef[], cause: RunCause): void {
    const { database, runs, outbox, clock } = this.#options;
    database.durable(() => {
      for (const ref of dropped) {
        const row = runs.at(ref.position);
        const isOurs = runs.setState(ref.position, "completed");
        if (row === undefined || ref.runId === undefined || !isOurs) continue;
        outbox.append(row, {
          text: "",
          status: "cancelled",
          cancelled: true,
          cause,
          foldedPrompts: 0,
          completedAt: toRfc3339(clock.now()),
        });
      }
    });
  }

  /**
   * Writes how a run ended. A disk that fails is tried again until {@link hurry}, so that the
   * completion is late rather than lost; a run given up on is `interrupted` for the next server that
   * opens the directory.
   */
  finish(run: AcceptedRun, outcome: TurnOutcome, hooks: EndingHooks): void {
    try {
      this.#announce(run, outcome);
      hooks.announce();
    } catch (error) {
      // What may be lost was: the outcome is what matters.
      this.#options.log.warn({ reason: messageOf(error) }, "the end of a run could not be told");
    }
    this.#write(run, outcome, hooks, 1);
  }

  /** The workspace is to be closed: what waits for the disk tries it now, and not for long. */
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
    const head = { workspaceId, sessionId, ...(runId === undefined ? {} : { runId }) };
    if (outcome.status === "failed") {
      const message = outcome.error ?? "The run failed.";
      const name = outcome.errorName ?? "InternalError";
      announcer.emit({ method: "agentError", params: { ...head, message, name } });
    }
    if (run.hasBegun) {
      const sessionTitle = sessions.find(workspaceId, sessionId)?.title ?? "";
      announcer.emit({ method: "agentFinished", params: { ...head, sessionTitle } });
    }
  }

  #write(run: AcceptedRun, outcome: TurnOutcome, hooks: EndingHooks, attempt: number): void {
    const { clock, log } = this.#options;
    try {
      this.#commit(run, outcome, hooks);
    } catch (error) {
      const fields = { run: run.ref.position, attempt, reason: messageOf(error) };
      if (!this.#isClosing || attempt < triesOnceClosing) {
        log.error(fields, "the outcome of a run could not be stored yet");
        const wait = Math.min(firstRetryMs * 2 ** (attempt - 1), maxRetryMs);
        const timer = clock.after(wait, () => {
          this.#waiting.delete(timer);
          this.#write(run, outcome, hooks, attempt + 1);
        });
        this.#waiting.set(timer, () => this.#write(run, outcome, hooks, 1));
        return;
      }
      log.error(fields, "the outcome of a run could not be stored; it is left as interrupted");
    }
    run.closeMessages();
    hooks.done();
  }

  #commit(run: AcceptedRun, outcome: TurnOutcome, hooks: EndingHooks): void {
    const { database, runs, outbox, log } = this.#options;
    // Not in the transaction: were that rolled back, the text would count as written.
    run.flushMessages();
    const work = () => {
      const isOurs = runs.setState(run.ref.position, "completed");
      hooks.alsoWrite();
      const row = runs.at(run.ref.position);
      if (row !== undefined && isOurs && needsCompletion(run, outcome)) {
        outbox.append(row, this.#facts(run, outcome));
      }
      // A lock that did not hold: trying again would not help, and the session must not wait for it.
      if (!isOurs) log.error({ run: run.ref.position }, "another server has ended this run");
      faultPoint("finishing");
    };
    if (needsCompletion(run, outcome)) database.durable(work);
    else database.write(work);
  }

  #facts(run: AcceptedRun, outcome: TurnOutcome) {
    const isCancelled = outcome.status === "cancelled";
    const cause = isCancelled ? (run.cause ?? "user") : outcome.cause;
    const usage = run.recorder?.usage;
    return {
      ...(outcome.messageId === undefined ? {} : { messageId: outcome.messageId }),
      ...completionText(outcome.text),
      status: outcome.status,
      cancelled: isCancelled,
      ...(outcome.error === undefined ? {} : { error: outcome.error }),
      ...(outcome.errorName === undefined ? {} : { errorName: outcome.errorName }),
      ...(cause === undefined ? {} : { cause }),
      foldedPrompts: run.folded,
      ...(usage === undefined ? {} : { usage }),
      completedAt: toRfc3339(this.#options.clock.now()),
    };
  }
}

/**
 * Whether a run has a completion of its own: every run with a `runId`; without one, every turn that
 * began or was cancelled on the way to it. Who asked for a summary without `runId` has its answer.
 */
function needsCompletion(run: AcceptedRun, outcome: TurnOutcome): boolean {
  if (run.request.runId !== undefined) return true;
  if (run.request.kind === "summary") return false;
  return run.hasBegun || outcome.status === "cancelled";
}
