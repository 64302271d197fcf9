import type { TurnOutcome } from "../engine/engine.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { RunsOfServer } from "./runsOfServer.js";
import type { RunRef } from "./sessionState.js";

/** A prompt that waits, and whose it is. */
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

  /** What the prompts of these runs hold in memory, in bytes. */
  promptBytes(refs: readonly { readonly position: number }[]): number {
    return refs.reduce((sum, { position }) => sum + (this.at(position)?.promptBytes ?? 0), 0);
  }

  /** What the prompts of all runs hold in memory, in bytes. */
  get allPromptBytes(): number {
    let bytes = 0;
    for (const run of this.#runs.values()) bytes += run.promptBytes;
    return bytes;
  }

  at(position: number): AcceptedRun | undefined {
    return this.#runs.get(position);
  }

  /** Writes what has streamed into a session's messages. */
  flush(sessionId: string): void {
    for (const run of this.#runs.values()) {
      if (run.request.sessionId === sessionId) run.recorder?.flush();
      run.children.get(sessionId)?.flush();
    }
  }

  /** A run that must be here. */
  get(position: number): AcceptedRun {
    const run = this.#runs.get(position);
    if (run === undefined) throw new Error(`run ${position} is not here`);
    return run;
  }

  /** Runs that have joined the turn of another, and end with it. */
  fold(refs: readonly RunRef[], into: AcceptedRun): AcceptedRun[] {
    const joined = refs.flatMap(({ position }) => this.#runs.get(position) ?? []);
    for (const { position } of refs) this.#delete(position);
    into.folded += joined.length;
    return joined;
  }

  /** Runs that have ended without having begun, and that is on disk. */
  drop(refs: readonly RunRef[]): void {
    for (const { position } of refs) this.end(position, { status: "cancelled", text: "" });
  }

  /** The prompts of runs, in order. */
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
  }

  /** Runs that another server may have from now on. */
  leave(refs: readonly RunRef[]): void {
    for (const { position } of refs) this.#delete(position);
  }

  #delete(position: number): void {
    this.#runs.delete(position);
    this.#ofServer?.delete(position);
  }
}
