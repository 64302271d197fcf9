import type { OpenRuns } from "./openRuns.js";
import { isBusy } from "./sessionState.js";
import type { SessionSteps } from "./sessionSteps.js";
import type { TurnMessages } from "./turnMessages.js";

/** What the turns of a workspace say while they run. */
export class LiveTurns {
  readonly #runs: OpenRuns;
  readonly #steps: SessionSteps;

  constructor(runs: OpenRuns, steps: SessionSteps) {
    this.#runs = runs;
    this.#steps = steps;
  }

  /** Writes what has streamed into a session's messages, so that a read finds all of it. */
  flush(sessionId: string): void {
    this.#runs.flush(sessionId);
  }

  /** The messages of the turn that runs on a session; undefined if none has begun here. */
  said(sessionId: string): TurnMessages | undefined {
    return this.#runs.said(sessionId);
  }

  /** Whether a run of the session is open in this server, begun or not. */
  isHere(sessionId: string): boolean {
    const state = this.#steps.known(sessionId);
    return (state !== undefined && isBusy(state)) || this.said(sessionId) !== undefined;
  }
}
