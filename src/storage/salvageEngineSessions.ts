import type { DatabaseSync } from "@photostructure/sqlite";
import type { SalvageCount } from "./salvage.js";
import { damagedCode, sqliteCodeOf } from "./storageError.js";

/**
 * Copies the sessions of engines from `main` into `mended`, whose sessions are there already. The table has
 * no rowids, so each row is read by its session.
 */
export function keepEngineSessions(sqlite: InstanceType<typeof DatabaseSync>): SalvageCount {
  const count: SalvageCount = { table: "engineSessions", kept: 0, mended: [], leftOut: [] };
  const sessions = sqlite.prepare("SELECT id FROM mended.sessions").all();
  for (const { id } of sessions) {
    try {
      const { changes } = sqlite
        .prepare(
          `INSERT INTO mended.engineSessions (sessionId, engine, ownId, upTo)
           SELECT sessionId, engine, ownId, upTo FROM main.engineSessions WHERE sessionId = ?`,
        )
        .run(String(id));
      count.kept += Number(changes);
    } catch (error) {
      // An older file has no such table.
      if (sqliteCodeOf(error) === 1) return count;
      if (sqliteCodeOf(error) !== damagedCode) throw error;
      count.leftOut.push(String(id));
    }
  }
  return count;
}
