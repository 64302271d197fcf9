// What can still be found of a run whose row cannot be read.
import { readOr, storedText } from "./damage.js";
import type { Database, Row } from "./database.js";

/** The values that the index of the ids has for it. */
export function idsOfDamaged(database: Database, position: number): Row {
  const sql =
    "SELECT workspaceId, runId FROM runs INDEXED BY runsByRunId WHERE runId IS NOT NULL AND position = ?";
  return readOr(
    () => database.prepare(sql).get(position) ?? {},
    () => ({}),
  );
}

/** Its session, as its completion has it. */
export function sessionOfDamaged(database: Database, position: number): string {
  const sql = "SELECT sessionId FROM completions WHERE run = ?";
  const found = readOr(
    () => database.prepare(sql).get(position)?.sessionId,
    () => undefined,
  );
  return storedText(found) ?? "";
}
