import type { TurnOutcome } from "../engine/engine.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { RunsOfServer } from "./runsOfServer.js";
import type { RunRef, SessionState } from "./sessionState.js";
import type { TurnMessages } from "./turnMessages.js";

/** A waiting prompt, and its client. */
export interface QueuedPrompt {
  readonly text: string;
  readonly clientId: string;
}

/** The accepted runs that have not ended, by the position of their row. */
export class OpenRuns {
  readonly #runs = new Map<number, AcceptedRun>();
  readonly #ofServer: RunsOfServer | undefined;

  constructor(ofServer?: RunsOfServer) {
    this.#ofServer = ofServer;
  }

  add(run: AcceptedRun): void {
    this.#runs.set(run.ref.position, run);
    this.#ofServer?.add(run);
  }

  /** The size of these runs' prompts in memory, in bytes. */
  promptBytes(refs: readonly { readonly position: number }[]): number {
    return refs.reduce((sum, { position }) => sum + (this.at(position)?.promptBytes ?? 0), 0);
  }

  /** The size of all runs' prompts in memory, in bytes. */
  get allPromptBytes(): number {
    let bytes = 0;
    for (const run of this.#runs.values()) bytes += run.promptBytes;
    return bytes;
  }

  /** Every run, in the order in which they came. */
  all(): AcceptedRun[] {
    return [...this.#runs.values()];
  }

  at(position: number): AcceptedRun | undefined {
    return this.#runs.get(position);
  }

  /** Writes the streamed content of a session's messages. */
  flush(sessionId: string): void {
    for (const run of this.#runs.values()) {
      if (run.request.sessionId === sessionId) run.recorder?.flush();
      run.children.get(sessionId)?.flush();
    }
  }

  /** The messages of the turn that runs on a session; undefined if none has begun. */
  said(sessionId: string): TurnMessages | undefined {
    for (const run of this.#runs.values()) {
      const recorder = run.request.sessionId === sessionId ? run.recorder : undefined;
      const found = (run.hasBegun ? recorder : undefined) ?? run.children.get(sessionId);
      if (found !== undefined) return found.said;
    }
    return undefined;
  }

  /** The run at a position; it must be open here. */
  get(position: number): AcceptedRun {
    const run = this.#runs.get(position);
    if (run === undefined) throw new Error(`run ${position} is not here`);
    return run;
  }

  /**
   * These runs have joined the turn of another run, and end with it. Those without a `runId` are not
   * told of any more.
   */
  fold(refs: readonly RunRef[], into: AcceptedRun): void {
    for (const { position, runId } of refs) {
      if (runId === undefined) this.end(position, { status: "succeeded", text: "" });
      else this.#runs.get(position)?.join(into);
    }
    into.folded += refs.length;
  }

  /** The runs with a `runId` that have joined the turn of a session. */
  joinedTo(state: SessionState): readonly RunRef[] {
    if (!("run" in state)) return [];
    return this.#runs.get(state.run.position)?.joined.map(({ ref }) => ref) ?? [];
  }

  /** These runs have ended without having begun, and that is on disk. */
  drop(refs: readonly RunRef[]): void {
    for (const { position } of refs) this.end(position, { status: "cancelled", text: "" });
  }

  /** The texts of runs' prompts and their clients, in order. */
  prompts(refs: readonly RunRef[]): QueuedPrompt[] {
    return refs.map(({ position }) => {
      const { prompt, clientId } = this.get(position).request;
      return { text: prompt.text, clientId };
    });
  }

  /** A run has ended, and that is on disk. */
  end(position: number, outcome: TurnOutcome): void {
    const run = this.#runs.get(position);
    this.#delete(position);
    run?.ended.resolve(outcome);
    for (const { ref } of run?.joined ?? []) this.end(ref.position, outcome);
  }

  /** Another server may take these runs from now on. */
  leave(refs: readonly RunRef[]): void {
    for (const { position } of refs) this.#delete(position);
  }

  #delete(position: number): void {
    this.#runs.delete(position);
    this.#ofServer?.delete(position);
  }
}
