import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { type RunRow, toRow } from "./runRow.js";

/** What tells who writes in a session. */
export type LastWriter = Pick<RunRow, "state" | "serverId" | "sessionId">;

const lastRun = "SELECT run FROM messages WHERE sessionId = ? ORDER BY position DESC LIMIT 1";
// Each prompt asks several times, so only what is needed is read.
const writer = `SELECT state, serverId, sessionId FROM runs WHERE position = (${lastRun})`;

/**
 * The run that wrote a session's newest message: one look into an index, however long the session is.
 * `at` reads a run of which something is damaged.
 */
export function lastWriter(
  database: Database,
  sessionId: string,
  at: (position: number) => RunRow | undefined,
): LastWriter | undefined {
  return readOr<LastWriter | undefined>(
    () => {
      const row = database.prepare(writer).get(sessionId);
      return row === undefined ? undefined : toRow(row);
    },
    () => {
      const run = readOr(
        () => database.prepare(lastRun).get(sessionId)?.run,
        () => undefined,
      );
      return typeof run === "number" ? at(run) : undefined;
    },
  );
}
