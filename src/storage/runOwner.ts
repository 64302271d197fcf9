import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { goingOnFrom } from "./goingOnStep.js";
import type { Owner } from "./runRow.js";

/** Whether a run is open, and this owner has it. A damaged row does not prove the contrary. */
export function isOwnedBy(
  database: Database,
  position: number,
  { serverId, epoch }: Owner,
): boolean {
  return readOr(
    () => {
      const row = database.prepare(sqlOf(database)).get(position);
      if (row === undefined || row.state === "completed" || row.serverId !== serverId) return false;
      return Number(row.epoch ?? 0) === epoch;
    },
    () => true,
  );
}

/** Every write of a turn asks, so only what is needed is read. */
function sqlOf({ steps }: Database): string {
  return steps >= goingOnFrom
    ? "SELECT state, serverId, epoch FROM runs WHERE position = ?"
    : "SELECT state, serverId FROM runs WHERE position = ?";
}
