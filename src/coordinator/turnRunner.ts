// Takes one run from acceptance to its outcome: prepare, begin, run. A cancel is possible at every
// point, and every error becomes an outcome.

import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import { withFields } from "../base/log.js";
import { telemetry } from "../base/telemetry.js";
import { TurnParked } from "../base/turnParked.js";
import type { ChildSession, Prompt, Turn, TurnOutcome, TurnRequest } from "../engine/engine.js";
import type { AcceptedRun } from "./acceptedRun.js";
import { turnSoFar } from "./begunTurn.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { endedElsewhere } from "./endedElsewhere.js";
import { subjectOf } from "./joiningRuns.js";
import { repairAll } from "./leftRuns.js";
import { ownSessionNote } from "./ownSessionNote.js";
import { PatientWrites } from "./patientWrites.js";
import { mayStillRunCommands, preparedTurn } from "./preparedTurn.js";
import { refuseForeign } from "./refuseForeign.js";
import { keeperOf, noteCheckpoint } from "./runCheckpoint.js";
import { failureOutcome } from "./runFailure.js";
import { runLog } from "./runLog.js";
import { TitleKeeper } from "./titleKeeper.js";
import { tracedRun } from "./tracedRun.js";
import { turnClient } from "./turnClient.js";
import { TurnRecorder } from "./turnRecorder.js";
import { undoRun } from "./undoRun.js";

/** The runner's callbacks to the coordinator. */
export interface RunnerHooks {
  /** The run's turn begins. */
  begin(run: AcceptedRun): void;
  /**
   * The turn reaches its next model call; returns the prompts that join it. `store` writes more in the
   * same commit.
   */
  fold(run: AcceptedRun, store: (prompts: readonly Prompt[]) => void): readonly Prompt[];
  sessionChanged(sessionId: string): void;
}

/** Runs accepted runs. */
export class TurnRunner {
  readonly #options: CoordinatorOptions;
  readonly #titles: TitleKeeper;
  readonly #hooks: RunnerHooks;

  constructor(options: CoordinatorOptions, hooks: RunnerHooks) {
    this.#options = options;
    this.#titles = new TitleKeeper(options, (sessionId) => {
      options.commits.settle(sessionId);
      hooks.sessionChanged(sessionId);
    });
    this.#hooks = hooks;
  }

  /** Ends the title calls that still run. */
  close(): Promise<void> {
    return this.#titles.close();
  }

  /** Runs a run to its end, as soon as a slot is free. Never rejects. */
  run(run: AcceptedRun): Promise<TurnOutcome> {
    return tracedRun(run, this.#options.workspaceId, () => this.#run(run));
  }

  async #run(run: AcceptedRun): Promise<TurnOutcome> {
    let giveBack = () => {};
    try {
      const subjects = [subjectOf(this.#options.workspaceId, run.request.runId)];
      const refuse = () => refuseForeign(run, this.#options);
      const writes = new PatientWrites({ ...this.#options, subjects, refuse });
      run.writes = writes;
      run.recorder = this.#recorder(run, writes);
      if (run.signal.aborted) return this.#cancelledBeforeBegin(run);
      if (run.command === "undo") return await this.#undo(run, writes);
      giveBack = await this.#slot(run);
      // Many runs are accepted by one commit.
      await this.#options.loopTurn?.();
      const turn = await preparedTurn(run, writes, this.#options);
      if (run.signal.aborted) return this.#cancelledBeforeBegin(run);
      const mayStillRun = await mayStillRunCommands(run, this.#options);
      if (run.parking.aborted) throw new TurnParked();
      await this.#markRunning(run, writes);
      if (run.signal.aborted) return this.#cancelledBeforeBegin(run);
      this.#begin(run);
      this.#beginTitle(run, turn, writes);
      const request = this.#request(run, run.recorder, writes, mayStillRun);
      const isSummary = run.request.kind === "summary";
      const outcome = await (isSummary ? turn.summarize(request) : turn.run(request));
      writes.early.throwIfLost();
      return outcome;
    } catch (error) {
      return this.#outcomeOf(run, error);
    } finally {
      giveBack();
    }
  }

  /** Asks no model, and so takes no slot and needs no engine. */
  async #undo(run: AcceptedRun, writes: PatientWrites): Promise<TurnOutcome> {
    if (run.parking.aborted) throw new TurnParked();
    await this.#markRunning(run, writes);
    if (run.signal.aborted) return this.#cancelledBeforeBegin(run);
    this.#begin(run);
    return { status: "succeeded", text: await undoRun(run, this.#options) };
  }

  async #slot({ request, signal }: AcceptedRun): Promise<() => void> {
    const { slots, announcer, workspaceId } = this.#options;
    const { sessionId, runId, clientId } = request;
    if (slots === undefined) return () => {};
    return await slots.take({
      clientId,
      signal,
      waits() {
        const head = { workspaceId, sessionId, ...defined({ runId }) };
        announcer.emit({ method: "runActivity", params: { ...head, kind: "waitingForSlot" } });
      },
    });
  }

  /** Returns early where the run is cancelled meanwhile. */
  async #markRunning(run: AcceptedRun, writes: PatientWrites): Promise<void> {
    const { runs, goingOn, commands } = this.#options;
    const { position } = run.ref;
    let isOurs = true;
    const mark = () => {
      isOurs = runs.setState(position, "running");
      if (isOurs) noteCheckpoint(run, this.#options);
      if (isOurs) telemetry()?.keep(position);
      if (!run.goesOn) return;
      goingOn.loaded(position);
      if (commands !== undefined) goingOn.setCommandMark(position, commands.own);
    };
    const says = !run.goesOn && run.request.kind === "prompt" && run.command === undefined;
    // One commit with the user's message; but a span must be on disk before a model is asked under it.
    if (says && telemetry() === undefined && writes.wouldWrite()) {
      writes.writeSoon(() => {
        if (run.hasEndedHere) noteCheckpoint(run, this.#options);
        else mark();
        if (!isOurs) throw endedElsewhere();
      });
      return;
    }
    writes.write(mark, run.goesOn);
    await writes.stored(run.signal);
    if (!isOurs) throw endedElsewhere();
  }

  #begin(run: AcceptedRun): void {
    run.hasBegun = true;
    run.isUnderWay = true;
    faultPoint("turnBegun");
    this.#hooks.begin(run);
  }

  /** A command says nothing about what its session is about. */
  #beginTitle(run: AcceptedRun, turn: Turn, writes: PatientWrites): void {
    const { request, command } = run;
    if (request.kind !== "prompt" || command !== undefined) return;
    const titled = { run, turn, writes, log: runLog(run, this.#options) };
    this.#titles.begin(request.sessionId, request.prompt.text, titled);
  }

  /** Stores the user's message, and an answer that says that the run was cancelled. */
  #cancelledBeforeBegin(run: AcceptedRun): TurnOutcome {
    if (run.takenOver?.hasBegun) return this.#repaired(run, { status: "cancelled", text: "" });
    const isNoMessage = run.request.kind === "summary" || run.command !== undefined;
    if (isNoMessage || run.recorder === undefined) return { status: "cancelled", text: "" };
    run.writes?.write(() => noteCheckpoint(run, this.#options));
    run.recorder.say(run.request.prompt);
    const reply = run.recorder.createMessage({ role: "assistant" });
    reply.finish("cancelled");
    return { status: "cancelled", messageId: reply.id, text: "" };
  }

  /** A turn that another server has begun ends before this one could go on with it. */
  #repaired(run: AcceptedRun, outcome: TurnOutcome): TurnOutcome {
    const { sessionId } = run.request;
    let reply: { id: string; text: string } | undefined;
    run.writes?.write(() => {
      reply = repairAll(this.#options, { sessionId, position: run.ref.position }).reply;
    });
    return { ...outcome, ...defined({ messageId: reply?.id }), text: reply?.text ?? "" };
  }

  #outcomeOf(run: AcceptedRun, error: unknown): TurnOutcome {
    if (error instanceof TurnParked) run.hasParked = true;
    if (run.isLost || run.hasParked) return { status: "cancelled", text: "" };
    const outcome = this.#failureOf(run, error);
    const isToRepair = run.takenOver?.hasBegun === true && !run.isUnderWay;
    return isToRepair && outcome.status === "failed" ? this.#repaired(run, outcome) : outcome;
  }

  #failureOf(run: AcceptedRun, error: unknown): TurnOutcome {
    if (run.signal.aborted) {
      if (!run.hasBegun) {
        try {
          return this.#cancelledBeforeBegin(run);
        } catch (storageError) {
          runLog(run, this.#options).warn(
            { reason: messageOf(storageError) },
            "the messages of a cancelled run could not be stored",
          );
        }
      }
      return { status: "cancelled", text: "" };
    }
    return failureOutcome(error, { ids: this.#options.ids, log: runLog(run, this.#options) });
  }

  #recorder(run: AcceptedRun, writes: PatientWrites): TurnRecorder {
    return new TurnRecorder({
      ...this.#surroundings(run, writes, run.request.sessionId, run.request.runId),
      takeFolded: (store) => this.#hooks.fold(run, store),
    });
  }

  #surroundings(
    run: AcceptedRun,
    writes: PatientWrites,
    sessionId: string,
    runId: string | undefined,
  ) {
    const { workspaceId, sessions, runs, goingOn, messages } = this.#options;
    const { announcer, clock, ids } = this.#options;
    const log = withFields(runLog(run, this.#options), { sessionId });
    return {
      goingOn,
      goesOn: () => run.goesOn,
      run: { position: run.ref.position, workspaceId, sessionId, runId },
      sessions,
      runs,
      messages,
      writes,
      signal: run.signal,
      announcer,
      clock,
      ids,
      log,
      sessionChanged: () => this.#hooks.sessionChanged(sessionId),
    };
  }

  #request(
    run: AcceptedRun,
    sink: TurnRecorder,
    writes: PatientWrites,
    mayStillRun: boolean,
  ): TurnRequest {
    const { sessionId, prompt } = run.request;
    const { engineSessions: own } = this.#options;
    const ownSession = own && ownSessionNote(sessionId, own, writes, run.signal, () => run.goesOn);
    return {
      sessionId,
      prompt,
      ...defined({ ownSession }),
      ...turnSoFar(run, { recorder: sink, writes, mayStillRun }, this.#options),
      goesOn: () => run.goesOn,
      parking: run.parking,
      sink,
      ...defined({ keeper: keeperOf(run, writes, this.#options) }),
      signal: run.signal,
      openChild: (title) => this.#openChild(run, title, sink, writes),
      ...turnClient(run, this.#options),
    };
  }

  /**
   * A sub-task's messages belong to the run: their events come before its completion, and they are
   * repaired with it. Their events have no `runId`, so a client that follows a `runId` gets only
   * the run's own messages.
   */
  #openChild(
    run: AcceptedRun,
    title: string,
    parent: TurnRecorder,
    writes: PatientWrites,
  ): ChildSession {
    const { workspaceId, sessions, ids, clock } = this.#options;
    const id = ids.next("ses");
    const parentSessionId = run.request.sessionId;
    const session = { id, workspaceId, title, parentSessionId, createdAt: clock.now() };
    writes.write(() => void sessions.insert(session));
    const sink = new TurnRecorder({
      ...this.#surroundings(run, writes, id, undefined),
      takeFolded: () => [],
      parent,
    });
    run.children.set(id, sink);
    this.#hooks.sessionChanged(id);
    return { sessionId: id, sink };
  }
}
