import type { RunCause } from "../protocol/objects/run.js";

/** An open run, as far as the whole server needs to know it. */
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
   * Another server has ended a run. If its turn runs here, it is stopped, since nobody needs its
   * work any more. A waiting run is found to have ended when it is to start. Returns false if the
   * run is not open here.
   */
  giveUp(position: number): boolean {
    const run = this.#runs.get(position);
    if (run?.hasBegun === true) run.cancel("internal");
    return run !== undefined;
  }
}
