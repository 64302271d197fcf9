/** The state of a client's connection to its server, and the listeners to its changes. */
import type { ConnectionLostError } from "./errors.js";
import { type StopListening, stopListening } from "./stopListening.js";

/**
 * `starting` until the first server has answered; `connected`; `restarting` while a lost server is
 * replaced; `gone` when there is none, because it was lost or the client is closed. A request starts
 * a lost server again, if the client may do so.
 */
export type ClientState = "starting" | "connected" | "restarting" | "gone";

/** Called at each change. With `gone` and `restarting`, `error` says how the server was lost. */
export type StateHandler = (state: ClientState, error?: ConnectionLostError) => void;

/** The present state, and its listeners. */
export class StateChanges {
  readonly #reportError: (error: unknown) => void;
  readonly #handlers = new Set<{ readonly call: StateHandler }>();
  #now: ClientState = "starting";
  #isTold = false;

  constructor(reportError: (error: unknown) => void) {
    this.#reportError = reportError;
  }

  get now(): ClientState {
    return this.#now;
  }

  on(call: StateHandler): StopListening {
    const entry = { call };
    this.#handlers.add(entry);
    return stopListening(() => this.#handlers.delete(entry));
  }

  /** Calls all listeners, if the state has changed. A listener that throws stops no other. */
  change(state: ClientState, error?: ConnectionLostError): void {
    if (this.#isTold && state === this.#now) return;
    this.#isTold = true;
    this.#now = state;
    for (const { call } of [...this.#handlers]) {
      try {
        call(state, error);
      } catch (thrown) {
        this.#reportError(thrown);
      }
    }
  }
}
