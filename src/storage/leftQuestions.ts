// The open questions of a run whose server is gone (protocol.md section 4, Going on after a loss). They
// stay on disk, can be answered in any server, and are asked again by the one that goes on with the run.
import { storedText, storedTime } from "./damage.js";
import type { Database } from "./database.js";
import { nobody } from "./runRow.js";
import type { StoredQuestion } from "./storedQuestion.js";

/** A file with fewer steps does not know when a server last lived. */
const leftQuestionsFrom = 20;

/** Whether questions can outlive their server. */
function areKept(database: Database): boolean {
  return database.steps >= leftQuestionsFrom;
}

/** Notes that the server of a question lives. */
export function noteSeen(
  database: Database,
  { permissionId, serverId }: { readonly permissionId: string; readonly serverId: string },
  now: number,
): void {
  if (!areKept(database)) return;
  database
    .prepare("UPDATE questions SET seenAt = ? WHERE permissionId = ? AND serverId = ?")
    .run(now, permissionId, serverId);
}

/**
 * The server of a run is gone, and its questions belong to nobody: if it lives after all, it changes them
 * no more. Those whose client was connected have their time from `goneAt` on; if that is not known, from
 * when the server was last known to live.
 */
export function leaveQuestions(database: Database, run: number, goneAt: number | undefined): void {
  if (!areKept(database)) return;
  database
    .prepare(
      // The server that is gone may not have noticed yet that its client had come to another.
      `UPDATE questions SET serverId = ?, expiresAt = CASE WHEN EXISTS (SELECT 1 FROM connections
           WHERE clientId = questions.clientId AND serverId <> questions.serverId) THEN NULL
         ELSE coalesce(expiresAt, coalesce(?, seenAt, askedAt) +
           1000 * coalesce((SELECT permissionSeconds FROM runs WHERE position = ?), 0)) END
       WHERE run = ?`,
    )
    .run(nobody, goneAt ?? null, run, run);
}

/** A client is connected: the time of its questions stands still, if no server has their runs. */
export function stopTime(database: Database, clientId: string, now: number): void {
  if (!areKept(database)) return;
  const sql = `UPDATE questions SET expiresAt = NULL, seenAt = ?
    WHERE clientId = ? AND serverId = ? AND answer IS NULL AND expiresAt > ?`;
  writeTime(database, () => database.prepare(sql).run(now, clientId, nobody, now));
}

/**
 * A connection of a client is gone. If it was the last one, the time of its questions runs from then on, if
 * no server has their runs.
 */
export function startTime(database: Database, clientId: string, goneAt: number): void {
  if (!areKept(database)) return;
  const sql = `UPDATE questions SET expiresAt = max(?1, coalesce(seenAt, askedAt)) +
      1000 * coalesce((SELECT permissionSeconds FROM runs WHERE position = questions.run), 0)
    WHERE clientId = ?2 AND serverId = ?3 AND answer IS NULL AND expiresAt IS NULL
      AND NOT EXISTS (SELECT 1 FROM connections WHERE clientId = ?2)`;
  writeTime(database, () => database.prepare(sql).run(goneAt, clientId, nobody));
}

/** A damaged question keeps no connection from being known. */
function writeTime(database: Database, write: () => unknown): void {
  database.attempt("time of questions", write, (reason) => {
    database.damage.tell({ table: "questions", id: 0, reason });
  });
}

/** Removes the answered questions of a run: their calls have ended. */
export function forgetAnswered(database: Database, run: number): void {
  if (!areKept(database)) return;
  database.prepare("DELETE FROM questions WHERE run = ? AND answer IS NOT NULL").run(run);
}

/** Removes the open questions of a run whose tool calls are not among these. */
export function keepQuestionsOf(
  database: Database,
  run: number,
  toolCallIds: ReadonlySet<string>,
): void {
  if (!areKept(database)) return;
  for (const { permissionId, body } of database
    .prepare("SELECT permissionId, body FROM questions WHERE run = ?")
    .all(run)) {
    const toolCallId = toolCallIdIn(storedText(body) ?? "");
    if (toolCallId !== undefined && toolCallIds.has(toolCallId)) continue;
    database.prepare("DELETE FROM questions WHERE permissionId = ?").run(String(permissionId));
  }
}

function toolCallIdIn(body: string): string | undefined {
  try {
    const { toolCallId } = JSON.parse(body) as { toolCallId?: string };
    return toolCallId;
  } catch {
    // Damaged text belongs to no call.
    return undefined;
  }
}

/** Which question a server asks again. */
export interface AskedAgain {
  readonly run: number;
  /** The server that asks. */
  readonly serverId: string;
  /** Whether a stored body is of the same tool call. */
  isOfCall(body: string): boolean;
  /** Whether what a stored body asks is what would happen now. */
  isSame(body: string): boolean;
}

/**
 * Gives the question that an earlier server has asked for a tool call to the server that asks it again;
 * undefined if there is none. If something else would happen now, it is removed: an answer to it must not
 * allow that.
 */
export function adoptQuestion(
  database: Database,
  { run, serverId, isOfCall, isSame }: AskedAgain,
): StoredQuestion | undefined {
  if (!areKept(database)) return undefined;
  return database.write(() => {
    const rows = database
      .prepare("SELECT * FROM questions WHERE run = ? AND serverId <> ?")
      .all(run, serverId);
    let found: StoredQuestion | undefined;
    for (const row of rows) {
      const permissionId = String(row.permissionId);
      const body = storedText(row.body) ?? "";
      if (!isOfCall(body)) continue;
      if (found !== undefined || !isSame(body)) {
        database.prepare("DELETE FROM questions WHERE permissionId = ?").run(permissionId);
        continue;
      }
      database
        .prepare("UPDATE questions SET serverId = ? WHERE permissionId = ?")
        .run(serverId, permissionId);
      const expiresAt = typeof row.expiresAt === "number" ? row.expiresAt : undefined;
      const askedAt = storedTime(row.askedAt);
      found = { permissionId, run, clientId: String(row.clientId), body, askedAt, expiresAt };
    }
    return found;
  });
}
