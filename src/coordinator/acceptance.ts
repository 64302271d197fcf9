import type { RunRow } from "../storage/runStore.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { OpenRuns } from "./openRuns.js";

/**
 * The caller that asks for a run. One of the two is called once: the run is on disk, or it is
 * refused.
 */
export interface AcceptanceCaller {
  accepted(acceptance: Acceptance): void;
  refused(error: unknown): void;
}

/** The answer of `Coordinator.accept`. */
export type Acceptance =
  | { readonly isDuplicate: false; readonly run: AcceptedRun }
  | { readonly isDuplicate: true; readonly row: RunRow; readonly run: AcceptedRun | undefined };

/**
 * Tells the caller the acceptance, if `decide` returns one. An error of `decide` is the refusal.
 */
export function answer(caller: AcceptanceCaller, decide: () => Acceptance | undefined): void {
  let acceptance: Acceptance | undefined;
  try {
    acceptance = decide();
  } catch (error) {
    caller.refused(error);
    return;
  }
  if (acceptance !== undefined) caller.accepted(acceptance);
}

/** The answer for a run that was accepted before. */
export function known(row: RunRow, open: Pick<OpenRuns, "at">): Acceptance {
  return { isDuplicate: true, row, run: open.at(row.position) };
}
