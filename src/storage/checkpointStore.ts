// The checkpoints of sessions (protocol.md section 4, Taking back): a row for each run that has begun and
// for each rewind.
import { ChangedFiles } from "./changedFiles.js";
import { type CheckpointRow, checkpointsFrom, toCheckpoint } from "./checkpointRow.js";
import type { Database } from "./database.js";
import { GivenUpCheckpoints } from "./givenUpCheckpoints.js";
import { OpenRewinds } from "./openRewinds.js";
import { isOpenInSession, openRuns } from "./openRunsOfSession.js";
import { RewoundMessages } from "./rewoundMessages.js";
import { SessionForks } from "./sessionFork.js";

/**
 * The checkpoints of every session. While an older server prevents the migration that adds them, there
 * are none.
 */
export class CheckpointStore {
  readonly messages: RewoundMessages;
  readonly files: ChangedFiles;
  readonly rewinds: OpenRewinds;
  readonly forks: SessionForks;
  readonly givenUp: GivenUpCheckpoints;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.messages = new RewoundMessages(database);
    this.files = new ChangedFiles(database);
    this.rewinds = new OpenRewinds(database);
    this.forks = new SessionForks(database);
    this.givenUp = new GivenUpCheckpoints(database);
  }

  /** Whether checkpoints are kept at all. */
  get isKept(): boolean {
    return this.#database.steps >= checkpointsFrom;
  }

  /** Notes the state of a session before a run or, without `run`, a rewind. Returns the position. */
  begin(begun: { id: string; sessionId: string; run?: number; createdAt: number }): number {
    if (!this.isKept) return 0;
    const { id, sessionId, run, createdAt } = begun;
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO checkpoints (id, sessionId, run, lastMessage, rewound, summaryMessageId, todos,
           contextTokens, contextWindow, createdAt)
         SELECT ?, id, ?, ?, coalesce(rewound, '[]'), summaryMessageId, todos, contextTokens,
           contextWindow, ? FROM sessions WHERE id = ?
         ON CONFLICT (run) DO NOTHING`,
      )
      .run(id, run ?? null, this.messages.last(sessionId), createdAt, sessionId);
    return lastInsertRowid;
  }

  /** A checkpoint of a session. */
  find(sessionId: string, id: string): CheckpointRow | undefined {
    return this.#one("sessionId = ? AND id = ?", sessionId, id);
  }

  /** The checkpoint of a run of a session. If the run joined a turn, the checkpoint of that turn. */
  ofRun(sessionId: string, run: number): CheckpointRow | undefined {
    if (!this.isKept) return undefined;
    const into = this.#database.prepare("SELECT foldedInto FROM runs WHERE position = ?").get(run);
    return this.#one("sessionId = ? AND run = ?", sessionId, Number(into?.foldedInto ?? run));
  }

  /** The position of a session's newest checkpoint. 0 if there is none. */
  newest(sessionId: string): number {
    if (!this.isKept) return 0;
    const row = this.#database
      .prepare("SELECT max(position) AS position FROM checkpoints WHERE sessionId = ?")
      .get(sessionId);
    return Number(row?.position ?? 0);
  }

  /** The last message before the turn that is open in a session, in any server or in none. */
  beforeOpenTurn(sessionId: string): number | undefined {
    if (!this.isKept) return undefined;
    const sql = `SELECT min(lastMessage) AS position FROM checkpoints WHERE sessionId = ?1 AND run IN
      (SELECT position FROM ${openRuns} WHERE ${isOpenInSession})`;
    const position = this.#database.prepare(sql).get(sessionId)?.position;
    return typeof position === "number" ? position : undefined;
  }

  /** The oldest checkpoint of a session that is not given up. */
  first(sessionId: string): CheckpointRow | undefined {
    return this.#one(`sessionId = ? ${this.#isHeld} ORDER BY position LIMIT 1`, sessionId);
  }

  get #isHeld(): string {
    return this.givenUp.isKept ? "AND givenUp = 0" : "";
  }

  #one(condition: string, ...values: (string | number)[]): CheckpointRow | undefined {
    if (!this.isKept) return undefined;
    const row = this.#database
      .prepare(`SELECT * FROM checkpoints WHERE ${condition}`)
      .get(...values);
    return row === undefined ? undefined : toCheckpoint(row);
  }

  /** A page of a session's checkpoints that are not given up, newest first, before `position`. */
  list(sessionId: string, limit: number, before = Number.MAX_SAFE_INTEGER): CheckpointRow[] {
    if (!this.isKept) return [];
    return this.#database
      .prepare(
        `SELECT * FROM checkpoints WHERE sessionId = ? AND position < ? ${this.#isHeld}
         ORDER BY position DESC LIMIT ?`,
      )
      .all(sessionId, before, limit)
      .map(toCheckpoint);
  }

  /**
   * The newest runs of a session, at most `most`, of which messages stand in its history and whose
   * checkpoints are not given up; newest first.
   */
  standingRuns(sessionId: string, most: number): CheckpointRow[] {
    if (!this.isKept) return [];
    // What a run has written lies between its own checkpoint and the next one.
    return this.#database
      .prepare(
        `SELECT * FROM checkpoints AS own WHERE sessionId = ? AND run IS NOT NULL ${this.#isHeld} AND EXISTS (
           SELECT 1 FROM messages WHERE sessionId = own.sessionId AND position > own.lastMessage
             AND position <= coalesce((SELECT lastMessage FROM checkpoints AS next
               WHERE next.sessionId = own.sessionId AND next.position > own.position
               ORDER BY next.position LIMIT 1), ?))
         ORDER BY position DESC LIMIT ?`,
      )
      .all(sessionId, Number.MAX_SAFE_INTEGER, most)
      .map(toCheckpoint);
  }

  /** Whether commands ran in a session since a checkpoint, its own run included. */
  ranCommandsSince({ sessionId, position }: CheckpointRow): boolean {
    const sql =
      "SELECT 1 FROM checkpoints WHERE sessionId = ? AND position >= ? AND ranCommands = 1 LIMIT 1";
    return this.#database.prepare(sql).get(sessionId, position) !== undefined;
  }

  /** Notes that commands ran in a checkpoint's run. */
  noteCommand(checkpoint: number): void {
    this.#database
      .prepare("UPDATE checkpoints SET ranCommands = 1 WHERE position = ? AND ranCommands = 0")
      .run(checkpoint);
  }
}
