import type { RunRow } from "../storage/runStore.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { OpenRuns } from "./openRuns.js";

/** The caller that asks for a run. One of the two is called, once: on disk, or refused. */
export interface AcceptanceCaller {
  accepted(acceptance: Acceptance): void;
  refused(error: unknown): void;
}

/** What `Coordinator.accept` answers. */
export type Acceptance =
  | { readonly isDuplicate: false; readonly run: AcceptedRun }
  | { readonly isDuplicate: true; readonly row: RunRow; readonly run: AcceptedRun | undefined };

/** Tells the caller what was decided at once, if anything was; what is thrown is the refusal. */
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
