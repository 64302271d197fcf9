import type { RunState } from "../protocol/objects/run.js";
import { isWaiting, type RunRow } from "../storage/runStore.js";

/** How far a run has come, as a client is told. */
export function runState(row: RunRow): RunState {
  return isWaiting(row) ? "waiting" : row.state;
}
