// What relays hold on to (docs/fleet.md).
import type { Database } from "./database.js";

/** A file has the tables of relays from this number of migrations on. */
export const relaysFrom = 14;

/**
 * The SQL condition that no relay needs the completion `completions.sequence` any more. The trigger of
 * the table holds on to it too; this keeps the steps of the pruning from looking at it again and again.
 */
export function isRelayed(database: Pick<Database, "steps">): string {
  if (database.steps < relaysFrom) return "1";
  return `(NOT EXISTS (SELECT 1 FROM relays WHERE cursor < completions.sequence)
    AND NOT EXISTS (SELECT 1 FROM setAside WHERE setAside.sequence = completions.sequence))`;
}
