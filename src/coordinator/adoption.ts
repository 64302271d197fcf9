// Takes over the runs of a session that belong to no server (protocol.md section 4, Going on after a
// loss, and The queue): those that go on after the loss of their server, and the entries of a paused
// queue. It is one durable transaction. Only after it anything else of the runs is read, because
// reading them may be what has killed servers.
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import type { RunRow } from "../storage/runStore.js";
import { isDiskTrouble } from "../storage/storageError.js";
import { AcceptedRun, refOf } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { type LeftEnd, LeftRuns } from "./leftRuns.js";
import type { OpenRuns } from "./openRuns.js";
import { storedOptions, usuallyWhenBusy } from "./runOptions.js";
import { type RunTerms, storedTerms } from "./runTerms.js";
import { positionsOf, type RunRef, type SessionState } from "./sessionState.js";
import type { SessionSteps } from "./sessionSteps.js";
import { dayMs, endOldWaiting } from "./waitingRuns.js";

/** A begun turn that was taken over so often, without a finished model call between, is not again. */
const mostAdoptions = 3;
/** A run that could not be loaded so often is not loaded again. */
const mostLoads = 3;

const poisoned: LeftEnd = {
  status: "interrupted",
  cause: "crash",
  error: "Each server that went on with this run stopped before it came any further.",
  errorName: "Poisoned",
  isFromRowAlone: true,
};

const damaged: LeftEnd = {
  status: "interrupted",
  cause: "crash",
  error: "What was kept of this prompt is damaged and cannot be read.",
  errorName: "StorageDamaged",
};

/** What adoption needs of its coordinator. */
export interface AdoptionParts {
  readonly open: OpenRuns;
  readonly steps: SessionSteps;
  /** The session is this server's now, in this state. */
  goOn(sessionId: string, state: SessionState): void;
}

/** Takes over and gives up the waiting runs of one workspace. */
export class Adoption {
  readonly #options: CoordinatorOptions;
  readonly #parts: AdoptionParts;
  readonly #left: LeftRuns;
  #isClosed = false;

  constructor(options: CoordinatorOptions, parts: AdoptionParts) {
    this.#options = options;
    this.#parts = parts;
    this.#left = new LeftRuns(options);
  }

  /**
   * Takes over the runs of a session that belong to no server, and goes on with them. Does nothing if
   * there are none, if a living server has the session, or if the workspace as it is open here cannot go
   * on with them.
   *
   * @throws DomainError `StorageFailed`
   */
  takeOver(sessionId: string): void {
    const { goingOn, runs, serverId, recoverIfDead, checkpoints } = this.#options;
    const { steps } = this.#parts;
    if (this.#isClosed) return;
    this.#forgetIfLost(sessionId);
    if (steps.known(sessionId) !== undefined) return;
    if (goingOn.isFree(sessionId, serverId)) return;
    const owner = runs.otherOwner(sessionId, serverId);
    if (owner !== undefined && !recoverIfDead(owner)) return;
    if (goingOn.free(sessionId).length === 0) return;
    this.#endOld();
    const free = goingOn.free(sessionId);
    if (free.length === 0 || !this.#canGoOn(free)) return;
    if (checkpoints?.rewinds.serverOf(sessionId) !== undefined) return;
    const taken = this.#take(sessionId);
    if (taken.length === 0) return;
    faultPoint(this.#options.queues.isPaused(sessionId) ? "queueTakenOver" : "adopted");
    this.#goOn(sessionId, taken);
  }

  /** What has waited for too long ends, though nobody has looked for it yet. */
  #endOld(): void {
    const { waitingDays, clock } = this.#options;
    const days = waitingDays?.();
    if (days !== undefined) endOldWaiting(this.#options, clock.now() - days * dayMs);
  }

  #canGoOn(free: readonly RunRow[]): boolean {
    const { goingOn, canGoOn } = this.#options;
    return free.every(({ goesOn, position, clientId }) => {
      const terms = goesOn ? storedTerms(goingOn.of(position)?.terms) : undefined;
      return terms === undefined || canGoOn?.(terms, clientId) !== false;
    });
  }

  #forgetIfLost(sessionId: string): void {
    const { queues, serverId } = this.#options;
    const { open, steps } = this.#parts;
    const state = steps.known(sessionId);
    if (state?.tag !== "paused" || queues.areOf(serverId, positionsOf(state.queue))) return;
    open.leave(state.queue);
    steps.set(sessionId, { tag: "paused", queue: [] });
  }

  /** The runs that are this server's now, in their order. Those that have killed servers are ended. */
  #take(sessionId: string): RunRow[] {
    const { database, goingOn, runs, serverId } = this.#options;
    return database.durable(() => {
      // Another server may have taken them over first.
      if (runs.otherOwner(sessionId, serverId) !== undefined) return [];
      const free = goingOn.free(sessionId);
      goingOn.take(sessionId, serverId);
      const taken = free.flatMap(({ position }) => runs.at(position) ?? []);
      const ending = new Set<number>();
      for (const run of taken.filter(({ goesOn }) => goesOn)) {
        const { adoptions = 0, loads = 0 } = goingOn.of(run.position) ?? {};
        const isTurn = run.joinedTo === undefined && run.hasBegun;
        if (loads >= mostLoads || (isTurn && adoptions >= mostAdoptions)) ending.add(run.position);
        goingOn.taken(run.position, isTurn);
      }
      const ends = ({ position, joinedTo }: RunRow) => ending.has(joinedTo ?? position);
      this.#left.end(taken.filter(ends), poisoned);
      const going = taken.filter((run) => !ends(run));
      for (const { position, joinedTo } of going) {
        if (joinedTo === undefined && position === going[0]?.position) goingOn.loading(position);
      }
      return going;
    });
  }

  #goOn(sessionId: string, taken: readonly RunRow[]): void {
    const { goingOn, queues, runs, serverId } = this.#options;
    const { open, goOn } = this.#parts;
    const loaded: AcceptedRun[] = [];
    for (const [index, row] of taken.entries()) {
      if (row.joinedTo !== undefined) continue;
      // Whoever kills the server while it is read is found by this.
      if (index > 0) this.#write(() => goingOn.loading(row.position));
      const run = this.#loaded(sessionId, row);
      if (run === undefined) this.#endDamaged(row, taken);
      else loaded.push(run);
      if (run === undefined || row.state !== "queued") continue;
      this.#write(() => goingOn.loaded(row.position));
    }
    for (const run of loaded) open.add(run);
    const turn = loaded.find(({ takenOver }) => takenOver?.state !== "queued");
    for (const row of taken.filter(({ joinedTo }) => joinedTo !== undefined)) {
      if (turn !== undefined) this.#joined(sessionId, row, turn);
    }
    const queue = loaded.filter((run) => run !== turn).map(({ ref }) => ref);
    const isPaused = queues.isPaused(sessionId);
    const first = turn?.ref ?? (isPaused ? undefined : queue.shift());
    if (first === undefined) {
      goOn(sessionId, isPaused ? { tag: "paused", queue } : { tag: "idle" });
      return;
    }
    if (turn === undefined) {
      const epoch = open.at(first.position)?.epoch ?? 0;
      this.#write(() => runs.setState(first.position, "accepted", { serverId, epoch }));
    }
    const hasBegun = turn?.hasBegun ?? false;
    goOn(sessionId, { tag: "running", run: first, hasBegun, queue, isPaused });
  }

  /** With a run that cannot be read, those end that have joined its turn. */
  #endDamaged(row: RunRow, taken: readonly RunRow[]): void {
    const { runs, serverId } = this.#options;
    const { position, epoch } = row;
    const ending = taken.filter((one) => (one.joinedTo ?? one.position) === position);
    this.#write(() => {
      if (runs.isOwned(position, { serverId, epoch })) this.#left.end(ending, damaged);
    }, true);
  }

  /** The runs are this server's already, so a disk that refuses does not keep them from going on. */
  #write(write: () => void, isDurable = false): void {
    const { database, owed, log } = this.#options;
    try {
      if (isDurable) database.durable(write);
      else database.write(write);
    } catch (error) {
      if (!isDiskTrouble(error)) throw error;
      log.warn({ reason: messageOf(error) }, "what was taken over could not be noted yet");
      owed.owe(write);
    }
  }

  /** Makes a run from its stored form; undefined if that is damaged. */
  #loaded(sessionId: string, row: RunRow): AcceptedRun | undefined {
    const { position, runId, clientId } = row;
    const prompt = this.#options.queues.prompt(position);
    const more = row.goesOn ? this.#options.goingOn.of(position) : undefined;
    const terms = storedTerms(more?.terms);
    if (prompt === undefined || (row.goesOn && terms === undefined)) return undefined;
    const kind = "prompt" as const;
    const effective = storedOptions(row.options);
    const whenBusy = effective.whenBusy ?? usuallyWhenBusy(runId, {});
    // What was sent matters only for a `runId` that comes again: the row has its hash.
    const options = { sent: {}, effective };
    const permissionSeconds = this.#options.runs.permissionSeconds(position);
    const client = { clientId, permissionSeconds };
    const request = { sessionId, runId, ...client, kind, prompt, options, whenBusy };
    const run = this.#restored(row, request, terms);
    run.folded = this.#options.runs.foldedInto(position);
    return run;
  }

  #joined(sessionId: string, row: RunRow, turn: AcceptedRun): void {
    const { runId, clientId } = row;
    const request = {
      ...turn.request,
      sessionId,
      runId,
      clientId,
      prompt: { text: "", attachments: [] },
    };
    const run = this.#restored(row, request, undefined);
    this.#parts.open.add(run);
    run.join(turn);
  }

  #restored(row: RunRow, request: AcceptedRun["request"], terms: RunTerms | undefined) {
    const { position, epoch, continuations, state, hasBegun } = row;
    const more = row.goesOn ? this.#options.goingOn.of(position) : undefined;
    const { progress, commandMark } = more ?? {};
    const takenOver = { epoch, continuations, state, hasBegun, progress, commandMark };
    const whole = { ...request, terms };
    return new AcceptedRun(refOf(position, whole), whole, takenOver);
  }

  /** From now on takes over nothing, because the workspace is being closed. */
  close(): void {
    this.#isClosed = true;
  }

  /** Leaves runs to the next server. Returns those that wait for it. */
  leave(refs: readonly RunRef[]): readonly RunRef[] {
    const { database, goingOn, clock, serverId } = this.#options;
    const { open } = this.#parts;
    const owned = refs.map(({ position }) => {
      const epoch = open.at(position)?.epoch ?? 0;
      return { position, serverId, epoch };
    });
    let left = refs;
    try {
      const released = new Set(database.joinDurable(() => goingOn.release(owned, clock.now())));
      left = refs.filter(({ position }) => released.has(position));
    } catch (error) {
      // They still belong to this server. The next server finds that this one has ended, and keeps
      // them.
      this.#options.log.warn({ reason: messageOf(error) }, "what waits could not be released");
    }
    open.leave(refs);
    return left;
  }
}
