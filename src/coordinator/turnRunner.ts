// Takes one run from acceptance to its outcome: prepare, begin, run. A cancel is possible at every
// point, and every error becomes an outcome.

import { argumentIn } from "../base/builtInCommand.js";
import { defined } from "../base/defined.js";
import { DomainError, messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import { isRunErrorName } from "../base/runErrors.js";
import type { ChildSession, Prompt, Turn, TurnOutcome, TurnRequest } from "../engine/engine.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { endedElsewhere } from "./endedElsewhere.js";
import { ownSessionNote } from "./ownSessionNote.js";
import { PatientWrites } from "./patientWrites.js";
import { keeperOf, noteCheckpoint } from "./runCheckpoint.js";
import { storedHistory } from "./storedHistory.js";
import type { TitleKeeper } from "./titleKeeper.js";
import { turnClient } from "./turnClient.js";
import { TurnRecorder } from "./turnRecorder.js";

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

type RunnerOptions = Pick<
  CoordinatorOptions,
  | "workspaceId"
  | "database"
  | "checkpoints"
  | "keeperOf"
  | "sessions"
  | "runs"
  | "messages"
  | "announcer"
  | "desk"
  | "clientTools"
  | "clientFiles"
  | "clock"
  | "ids"
  | "log"
  | "prepareTurn"
  | "slots"
  | "undo"
  | "engineSessions"
>;

/** Runs accepted runs. */
export class TurnRunner {
  readonly #options: RunnerOptions;
  readonly #titles: TitleKeeper;
  readonly #hooks: RunnerHooks;

  constructor(options: RunnerOptions, titles: TitleKeeper, hooks: RunnerHooks) {
    this.#options = options;
    this.#titles = titles;
    this.#hooks = hooks;
  }

  /** Runs a run to its end, as soon as a slot is free. Never rejects. */
  async run(run: AcceptedRun): Promise<TurnOutcome> {
    let giveBack = () => {};
    try {
      const writes = new PatientWrites(this.#options);
      run.writes = writes;
      run.recorder = this.#recorder(run, writes);
      if (run.signal.aborted) return this.#cancelledBeforeBegin(run);
      if (run.command === "undo") return await this.#undo(run, writes);
      giveBack = await this.#slot(run);
      const { sessionId, clientId, options } = run.request;
      const toPrepare = { sessionId, clientId, options: options.effective };
      const turn = await this.#options.prepareTurn(run.signal, toPrepare);
      if (run.signal.aborted) return this.#cancelledBeforeBegin(run);
      await this.#markRunning(run, writes);
      if (run.signal.aborted) return this.#cancelledBeforeBegin(run);
      this.#begin(run);
      this.#beginTitle(run, turn, writes);
      const request = this.#request(run, run.recorder, writes);
      return run.request.kind === "summary"
        ? await turn.summarize(request)
        : await turn.run(request);
    } catch (error) {
      return this.#outcomeOf(run, error);
    } finally {
      giveBack();
    }
  }

  /** Asks no model, and so takes no slot and needs no engine. */
  async #undo(run: AcceptedRun, writes: PatientWrites): Promise<TurnOutcome> {
    const { undo, workspaceId } = this.#options;
    await this.#markRunning(run, writes);
    if (run.signal.aborted) return this.#cancelledBeforeBegin(run);
    this.#begin(run);
    const { signal, request } = run;
    const { sessionId, prompt } = request;
    const argument = argumentIn(prompt.text);
    const text = await undo?.({ workspaceId, sessionId, argument, signal });
    return { status: "succeeded", text: text ?? "Nothing can be taken back here." };
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
    let isOurs = true;
    writes.write(() => {
      this.#options.database.write(() => {
        isOurs = this.#options.runs.setState(run.ref.position, "running");
        if (isOurs) noteCheckpoint(run, this.#options);
      });
    });
    await writes.stored(run.signal);
    if (!isOurs) throw endedElsewhere();
  }

  #begin(run: AcceptedRun): void {
    run.hasBegun = true;
    faultPoint("turnBegun");
    this.#hooks.begin(run);
  }

  /** A command says nothing about what its session is about. */
  #beginTitle({ request, command }: AcceptedRun, turn: Turn, writes: PatientWrites): void {
    if (request.kind !== "prompt" || command !== undefined) return;
    this.#titles.begin(request.sessionId, request.prompt.text, turn, writes);
  }

  /** Stores the user's message, and an answer that says that the run was cancelled. */
  #cancelledBeforeBegin(run: AcceptedRun): TurnOutcome {
    const isNoMessage = run.request.kind === "summary" || run.command !== undefined;
    if (isNoMessage || run.recorder === undefined) {
      return { status: "cancelled", text: "" };
    }
    run.writes?.write(() => noteCheckpoint(run, this.#options));
    run.recorder.say(run.request.prompt);
    const reply = run.recorder.createMessage({ role: "assistant" });
    reply.finish("cancelled");
    return { status: "cancelled", messageId: reply.id, text: "" };
  }

  #outcomeOf(run: AcceptedRun, error: unknown): TurnOutcome {
    if (run.signal.aborted) {
      if (!run.hasBegun) {
        try {
          return this.#cancelledBeforeBegin(run);
        } catch (storageError) {
          this.#options.log.warn(
            { run: run.ref.position, reason: messageOf(storageError) },
            "the messages of a cancelled run could not be stored",
          );
        }
      }
      return { status: "cancelled", text: "" };
    }
    if (error instanceof DomainError) {
      return {
        status: "failed",
        text: "",
        error: error.message,
        errorName: isRunErrorName(error.name) ? error.name : "EngineFailed",
        cause: "internal",
      };
    }
    const errorId = this.#options.ids.next("err");
    this.#options.log.error({ err: error, errorId, run: run.ref.position }, "a run failed");
    return {
      status: "failed",
      text: "",
      error: `Something unexpected went wrong; the log has it as ${errorId}.`,
      errorName: "InternalError",
      cause: "internal",
    };
  }

  #recorder(run: AcceptedRun, writes: PatientWrites): TurnRecorder {
    const { sessionId, runId } = run.request;
    return new TurnRecorder({
      ...this.#surroundings(run, writes, sessionId, runId),
      takeFolded: (store) => this.#hooks.fold(run, store),
    });
  }

  #surroundings(
    run: AcceptedRun,
    writes: PatientWrites,
    sessionId: string,
    runId: string | undefined,
  ) {
    const { workspaceId, sessions, runs, messages, announcer, clock, ids, log } = this.#options;
    return {
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

  #request(run: AcceptedRun, sink: TurnRecorder, writes: PatientWrites): TurnRequest {
    const { sessionId, prompt } = run.request;
    const { engineSessions: own } = this.#options;
    const ownSession = own && ownSessionNote(sessionId, own, writes, run.signal);
    return {
      sessionId,
      prompt,
      ...defined({ ownSession }),
      history: storedHistory(this.#options, sessionId),
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
