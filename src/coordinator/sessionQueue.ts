// Lets clients list and change the queue of a session (protocol.md section 4, The queue). A change
// is on disk before it is answered, so that a pause and an order survive the server.
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import type { QueueEntry } from "../protocol/objects/queueEntry.js";
import type { Result } from "../protocol/registry.js";
import type { WaitingRun } from "../storage/queueStore.js";
import type { AcceptedRun } from "./acceptedRun.js";
import { Adoption } from "./adoption.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import type { OpenRuns, QueuedPrompt } from "./openRuns.js";
import { positionOfEntry, queueIdOf, toQueueEntry } from "./queueEntries.js";
import { type RunAdmission, sessionBusy } from "./runAdmission.js";
import type { SessionNews } from "./sessionNews.js";
import {
  isPaused,
  positionsOf,
  queueOf,
  type RunRef,
  type SessionInput,
  type SessionState,
  step,
} from "./sessionState.js";
import type { SessionSteps } from "./sessionSteps.js";
import { WaitingRuns } from "./waitingRuns.js";

/** What is needed to change a session's queue. */
export interface QueueParts {
  readonly open: OpenRuns;
  readonly steps: SessionSteps;
  readonly admission: RunAdmission;
  readonly news: SessionNews;
  apply(sessionId: string, input: SessionInput): void;
  /** Refuses the runs that wait for another program which holds the database. */
  withdraw(sessionId: string): void;
  /** A session is this server's from now on, in this state. */
  goOn(sessionId: string, state: SessionState): void;
}

/** Lists and changes the queues of one workspace's sessions. */
export class SessionQueue {
  /** Takes over what belongs to no server. */
  readonly adoption: Adoption;
  /** Ends what waits for a server. */
  readonly waiting: WaitingRuns;
  readonly #options: CoordinatorOptions;
  readonly #parts: QueueParts;

  constructor(options: CoordinatorOptions, parts: QueueParts) {
    this.#options = options;
    this.#parts = parts;
    this.adoption = new Adoption(options, parts);
    this.waiting = new WaitingRuns(options);
  }

  /** When this returns, waiting runs are accepted or refused. */
  #settle(): void {
    this.#options.commits.commit();
    this.#options.owed.settle();
  }

  /**
   * `listQueue`: what waits, in its order. It is read without being taken over.
   *
   * @throws DomainError `SessionBusy` where prompts wait in another living server and are not kept on
   *   disk, because their queue is not paused.
   */
  list(sessionId: string): Result<"listQueue"> {
    const { open, steps } = this.#parts;
    this.#settle();
    const state = steps.of(sessionId);
    const paused = isPaused(state);
    if (steps.known(sessionId) !== undefined) {
      return { entries: queueOf(state).map((ref) => this.#entry(open.get(ref.position))), paused };
    }
    const entries = this.#waitingElsewhere(sessionId).map(({ text, ...waiting }) => {
      if (text === undefined) throw sessionBusy();
      return toQueueEntry({ ...waiting, text });
    });
    return { entries, paused };
  }

  /** The texts of the waiting prompts that this server can read. They are not taken over. */
  texts(sessionId: string): string[] {
    const { open, steps } = this.#parts;
    this.#settle();
    if (steps.known(sessionId) === undefined) {
      return this.#waitingElsewhere(sessionId).flatMap(({ text }) => text ?? []);
    }
    return open.prompts(queueOf(steps.of(sessionId))).map(({ text }) => text);
  }

  /**
   * The prompts that wait on a session in this server, including those that it takes over now.
   *
   * @throws DomainError `StorageFailed`
   */
  prompts(sessionId: string): QueuedPrompt[] {
    const { open, steps } = this.#parts;
    this.#settle();
    this.adoption.takeOver(sessionId);
    return open.prompts(queueOf(steps.of(sessionId)));
  }

  /**
   * `clearQueue`: drops the waiting prompts; returns how many.
   *
   * @throws DomainError `SessionBusy` where the session's turn or queue is in another server.
   */
  clear(sessionId: string): number {
    const { length } = this.prompts(sessionId);
    this.#parts.withdraw(sessionId);
    if (length === 0) this.#parts.admission.refuseIfOwnedElsewhere(sessionId);
    this.#parts.apply(sessionId, { type: "clearQueue" });
    return length;
  }

  #waitingElsewhere(sessionId: string): WaitingRun[] {
    const { queues, runs, serverId, recoverIfDead } = this.#options;
    const owner = runs.otherOwner(sessionId, serverId);
    if (owner !== undefined) recoverIfDead(owner);
    // A run of ours that does not run any more only waits for the disk.
    return queues.waiting(sessionId).filter((waiting) => waiting.serverId !== serverId);
  }

  #entry({ ref, request }: AcceptedRun): QueueEntry {
    const acceptedAt = this.#options.runs.at(ref.position)?.acceptedAt ?? 0;
    return toQueueEntry({ ...ref, text: request.prompt.text, acceptedAt });
  }

  /**
   * The prompt of an entry, with its attachments.
   *
   * @throws DomainError `QueueEntryNotFound`, `SessionBusy`, `StorageFailed`
   */
  prompt(sessionId: string, queueId: string): AcceptedRun["request"]["prompt"] {
    return this.#find(sessionId, queueId).request.prompt;
  }

  /**
   * `editQueued`: replaces the text. The attachments stay, and so does the hash for a repeated
   * `runId`.
   *
   * @throws DomainError `QueueEntryNotFound`, `SessionBusy`, `QueueFull`, `StorageFailed`
   */
  edit(sessionId: string, queueId: string, text: string): QueueEntry {
    const run = this.#find(sessionId, queueId);
    const { steps, admission, news } = this.#parts;
    const { queues } = this.#options;
    const state = steps.of(sessionId);
    const { position } = run.ref;
    const others = queueOf(state).filter((ref) => ref.position !== position);
    admission.refuseEdit({ prompt: { ...run.request.prompt, text } }, others);
    if (isPaused(state) || run.goesOn) {
      this.#write(() => {
        this.#refuseIfLost(queueOf(state));
        queues.setText(position, text);
      });
    }
    run.edit(text);
    this.#parts.apply(sessionId, { type: "edit", run: run.ref });
    news.queueChanged(sessionId, state);
    return this.#entry(run);
  }

  /**
   * `moveQueued`: puts an entry before another one, or last.
   *
   * @throws DomainError `QueueEntryNotFound`, `SessionBusy`, `StorageFailed`
   */
  move(sessionId: string, queueId: string, beforeId: string | undefined): void {
    const { position } = this.#find(sessionId, queueId).ref;
    const before =
      beforeId === undefined ? undefined : this.#find(sessionId, beforeId).ref.position;
    const { queues } = this.#options;
    const state = this.#parts.steps.of(sessionId);
    const input: SessionInput = { type: "move", position, ...defined({ before }) };
    const order = positionsOf(queueOf(step(state, input).state));
    queues.refuseWithoutSteps();
    this.#write(() => {
      this.#refuseIfLost(queueOf(state));
      queues.setOrder(order);
    });
    this.#parts.apply(sessionId, input);
    this.#parts.news.queueChanged(sessionId, this.#parts.steps.of(sessionId));
  }

  /**
   * `removeQueued`: drops an entry; with a `runId` it gets a cancelled completion.
   *
   * @throws DomainError `QueueEntryNotFound`, `SessionBusy`, `StorageFailed`
   */
  remove(sessionId: string, queueId: string): void {
    this.#settle();
    const row = this.#options.runs.at(positionOfEntry(queueId) ?? 0);
    if (row?.sessionId === sessionId && row.state === "queued") {
      if (this.waiting.end(row, "user")) return;
    }
    const { position } = this.#find(sessionId, queueId).ref;
    this.#parts.apply(sessionId, { type: "cancelRun", position });
  }

  /**
   * `pauseQueue`: from now on no prompt begins or joins a turn; waiting ones are kept on disk.
   *
   * @throws DomainError `SessionBusy`, `StorageFailed`
   */
  pause(sessionId: string): void {
    const state = this.#own(sessionId);
    if (isPaused(state)) return;
    const { queues } = this.#options;
    const { open, apply } = this.#parts;
    queues.refuseWithoutSteps();
    this.#write(() => {
      this.#refuseIfElsewhere(sessionId);
      queues.setPaused(sessionId, true);
      for (const { position: at } of queueOf(state)) queues.keep(at, open.get(at).request.prompt);
    });
    apply(sessionId, { type: "pause" });
    this.#tell(sessionId);
  }

  /** When this returns, the change is on disk. */
  #write(change: () => void): void {
    this.#options.database.durable(change);
    faultPoint("queueChanged");
  }

  #tell(sessionId: string): void {
    const { steps, news } = this.#parts;
    news.queueChanged(sessionId, steps.of(sessionId));
    news.changed(sessionId, steps.known(sessionId));
  }

  /**
   * `resumeQueue`: the waiting prompts go on; at once if nothing runs.
   *
   * @throws DomainError `SessionBusy`, `StorageFailed`
   */
  resume(sessionId: string): void {
    const state = this.#own(sessionId);
    if (!isPaused(state)) return;
    const { queues, runs } = this.#options;
    const { effects } = step(state, { type: "resume" });
    this.#write(() => {
      this.#refuseIfElsewhere(sessionId);
      this.#refuseIfLost(queueOf(state));
      queues.setPaused(sessionId, false);
      for (const effect of effects) {
        if (effect.type === "start") runs.setState(effect.run.position, "accepted");
      }
    });
    this.#parts.apply(sessionId, { type: "resume" });
    // If something starts, the step has reported it.
    if (effects.length === 0) this.#tell(sessionId);
  }

  /** The session's state in this server. Throws `SessionBusy` if another server has the session. */
  #own(sessionId: string) {
    const { steps, admission } = this.#parts;
    this.#settle();
    this.adoption.takeOver(sessionId);
    if (steps.known(sessionId) === undefined) admission.refuseIfOwnedElsewhere(sessionId);
    return steps.of(sessionId);
  }

  /** Takes over the entries of the workspace's paused queues that belong to no server. */
  takeOverAll(): void {
    const { queues, workspaceId } = this.#options;
    for (const sessionId of queues.ownerless(workspaceId)) this.adoption.takeOver(sessionId);
  }

  #find(sessionId: string, queueId: string): AcceptedRun {
    const state = this.#own(sessionId);
    const found = queueOf(state).find((ref) => queueIdOf(ref) === queueId);
    if (found !== undefined) return this.#parts.open.get(found.position);
    throw new DomainError(
      "QueueEntryNotFound",
      `Nothing with the queueId ${JSON.stringify(queueId)} waits on this session; listQueue tells what does.`,
    );
  }

  /** Another server may have changed it meanwhile. */
  #refuseIfElsewhere(sessionId: string): void {
    const { runs, serverId } = this.#options;
    if (runs.otherOwner(sessionId, serverId) !== undefined) throw sessionBusy();
  }

  /** Another server may have taken this one for dead, and taken over the queue. */
  #refuseIfLost(refs: readonly RunRef[]): void {
    const { queues, serverId } = this.#options;
    if (!queues.areOf(serverId, positionsOf(refs))) throw sessionBusy();
  }
}
