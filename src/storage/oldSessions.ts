// Deletes by age (protocol.md section 9): runs without a `runId` that nobody can ask for any more, and, if
// the user's file has `limits.keepDays`, the sessions that nobody has used for so long, and old messages
// of the sessions that are used.
import type { Database, Row } from "./database.js";
import { OldMessages } from "./oldMessages.js";
import type { RunStore } from "./runStore.js";
import type { SessionStore } from "./sessionStore.js";

const dayMs = 24 * 60 * 60_000;
const rowsPerStep = 200;
/** A run without a `runId` stays as long as an acknowledged completion. */
const namelessMs = 7 * dayMs;

/** What the deletion by age works with. */
export interface OldSessionsOptions {
  readonly database: Database;
  readonly sessions: SessionStore;
  readonly runs: Pick<RunStore, "isSubTask">;
  /** Undefined if sessions are kept for ever. It is asked in each round. */
  keepDays(): number | undefined | Promise<number | undefined>;
  /** Sessions of a workspace were deleted. It must not throw. */
  onDeleted(workspaceId: string, sessionIds: readonly string[]): void;
  /** Deletes the files that tools have written before a time. It must not throw. */
  onFilesBefore(time: number): void;
}

/** Deletes by age, in small steps. */
export class OldSessions {
  readonly #options: OldSessionsOptions;
  readonly #messages: OldMessages;
  #lookedAt = 0;
  #hasAsked = false;

  constructor(options: OldSessionsOptions) {
    this.#options = options;
    this.#messages = new OldMessages(options.database);
  }

  /** Takes one step. `past` is a time that is surely over. False if this was the last step of a round. */
  step(past: number): boolean {
    if (this.#forgetNameless(past - namelessMs)) return true;
    const keepDays = this.#options.keepDays();
    if (keepDays instanceof Promise) {
      // The user's file is being read. The next step has the value.
      if (!this.#hasAsked) {
        this.#hasAsked = true;
        return true;
      }
      return this.#endRound();
    }
    if (keepDays === undefined) return this.#endRound();
    const before = past - keepDays * dayMs;
    if (this.#lookedAt === 0) this.#options.onFilesBefore(before);
    return this.#forgetSessions(before) || this.#endRound();
  }

  #endRound(): false {
    this.#lookedAt = 0;
    this.#hasAsked = false;
    return false;
  }

  #forgetNameless(before: number): boolean {
    const { database } = this.#options;
    if (database.steps < 12) return false;
    const sql = `DELETE FROM runs WHERE position IN (SELECT position FROM runs
      WHERE runId IS NULL AND state = 'completed' AND acceptedAt < ?
        AND NOT EXISTS (SELECT 1 FROM completions WHERE run = runs.position) LIMIT ?)`;
    return database.attempt(
      "nameless runs",
      () => database.prepare(sql).run(before, rowsPerStep).changes === rowsPerStep,
      () => false,
    );
  }

  /** Looks at the next sessions, and deletes what is old of them; false if there are none. */
  #forgetSessions(before: number): boolean {
    const rows = this.#options.database
      .prepare(
        `SELECT position, id, workspaceId, createdAt, updatedAt FROM sessions
         WHERE position > ? ORDER BY position LIMIT ?`,
      )
      .all(this.#lookedAt, rowsPerStep);
    for (const row of rows) {
      if (Number(row.updatedAt) < before) this.#forget(row, before);
      else if (Number(row.createdAt) < before && this.#messages.step(String(row.id), before)) {
        // The next step goes on with the same session.
        return true;
      }
      this.#lookedAt = Number(row.position);
    }
    return rows.length > 0;
  }

  #forget(row: Row, before: number): void {
    const { sessions, runs, onDeleted } = this.#options;
    const workspaceId = String(row.workspaceId);
    const id = String(row.id);
    // It may have been deleted with the session that it belonged to.
    if (!sessions.exists(id)) return;
    const all = [...sessions.descendants(workspaceId, id), id];
    const isInUse = (one: string) =>
      runs.isSubTask(one) || (sessions.find(workspaceId, one)?.updatedAt ?? 0) >= before;
    if (all.some(isInUse) || !sessions.delete(all)) return;
    onDeleted(workspaceId, all);
  }
}
