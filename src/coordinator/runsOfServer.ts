import type { RunCause } from "../protocol/objects/run.js";

/** A run that is open, as far as the whole server needs it. */
interface OpenRun {
  readonly ref: { readonly position: number };
  readonly hasBegun: boolean;
  cancel(cause: RunCause): void;
}

/** The open runs of every workspace of a server, by the position of their row. */
export class RunsOfServer {
  readonly #runs = new Map<number, OpenRun>();

  add(run: OpenRun): void {
    this.#runs.set(run.ref.position, run);
  }

  delete(position: number): void {
    this.#runs.delete(position);
  }

  /**
   * Another server has ended a run, and its turn is stopped where it runs here: what it did from now on
   * would be for nobody. One that waits is found to have ended when its turn comes. False where the run
   * is not open here.
   */
  giveUp(position: number): boolean {
    const run = this.#runs.get(position);
    if (run?.hasBegun === true) run.cancel("internal");
    return run !== undefined;
  }
}
