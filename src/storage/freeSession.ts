import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { isOpenInSession, openRuns } from "./openRunsOfSession.js";

const foreignRun = `SELECT 1 FROM ${openRuns} WHERE ${isOpenInSession} AND serverId <> ?2`;
const rewind = "SELECT 1 FROM checkpoints WHERE sessionId = ?1 AND rewindingServer IS NOT NULL";
const newest = "SELECT run FROM messages WHERE sessionId = ?1 ORDER BY position DESC LIMIT 1";
const writer = `SELECT state <> 'completed' AND (serverId <> ?2 OR sessionId <> ?1) FROM runs
  WHERE position = (${newest})`;
const taken = `SELECT EXISTS (${foreignRun}) OR EXISTS (${rewind}) OR coalesce((${writer}), 0) AS isTaken`;

/**
 * Whether a session is free for a server: no other server and no run that waits for one has it, it is no
 * sub-task of a turn, and nobody rewinds it. Each prompt asks several times, and this is one look. False
 * also where something cannot be read; then each is to be looked at by itself.
 */
export function isFreeSession(database: Database, sessionId: string, serverId: string): boolean {
  return readOr(
    () => database.prepare(taken).get(sessionId, serverId)?.isTaken === 0,
    () => false,
  );
}
