import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { endedElsewhere, takenOver } from "./endedElsewhere.js";

/**
 * Refuses to write anything of a run that another server has, or has ended. Call it in the transaction of
 * each write of the run.
 *
 * @throws DomainError `EngineFailed` if this server may write nothing of it.
 */
export function refuseForeign(
  run: AcceptedRun,
  { runs, serverId }: Pick<CoordinatorOptions, "runs" | "serverId">,
): void {
  const { position } = run.ref;
  if (!run.isLost && runs.isOwned(position, { serverId, epoch: run.epoch })) return;
  if (runs.at(position)?.state === "completed") throw endedElsewhere();
  run.lose();
  throw takenOver();
}
