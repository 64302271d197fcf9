// The rewinds that are under way in any server (protocol.md section 4, Taking back). A rewind is stored
// before it touches the first file, so that another server can finish it.
import { type CheckpointRow, checkpointsFrom, toCheckpoint, toStanding } from "./checkpointRow.js";
import { storedText } from "./damage.js";
import type { Database, Row } from "./database.js";
import { isOpenInSession, openRuns } from "./openRunsOfSession.js";
import { type PositionRange, rangesOf, type SessionStanding } from "./rewoundMessages.js";

/** What an open rewind still has to do with the history. */
export interface HistoryPlan {
  /** The messages that must be removed in the end. */
  readonly rewound: readonly PositionRange[];
  readonly standing: SessionStanding;
}

/** A rewind that is under way, or was when its server died. */
export interface OpenRewind {
  readonly checkpoint: CheckpointRow;
  readonly serverId: string;
  /** Undefined if the history does not change. */
  readonly history: HistoryPlan | undefined;
}

/** The rewinds that are under way. */
export class OpenRewinds {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores that a server is rewinding. The checkpoint's changes and `history` say what it has to do. */
  begin(checkpoint: number, serverId: string, history: HistoryPlan | undefined): void {
    this.#database
      .prepare("UPDATE checkpoints SET rewindingServer = ?, plan = ? WHERE position = ?")
      .run(serverId, history === undefined ? null : JSON.stringify(history), checkpoint);
  }

  /** The server that is rewinding a session, or was when it died. */
  serverOf(sessionId: string): string | undefined {
    if (!this.#isKept) return undefined;
    const row = this.#database
      .prepare(
        "SELECT rewindingServer FROM checkpoints WHERE sessionId = ? AND rewindingServer IS NOT NULL",
      )
      .get(sessionId);
    return storedText(row?.rewindingServer);
  }

  /** Every rewind that is under way in any server, or was when it died. */
  all(): OpenRewind[] {
    if (!this.#isKept) return [];
    return this.#database
      .prepare(
        "SELECT * FROM checkpoints INDEXED BY openRewinds WHERE rewindingServer IS NOT NULL ORDER BY position",
      )
      .all()
      .map((row) => ({
        checkpoint: toCheckpoint(row),
        serverId: String(row.rewindingServer),
        history: toPlan(row.plan),
      }));
  }

  /** Gives a dead server's rewind to another server. False if a third server has already taken it. */
  takeOver(checkpoint: number, from: string, to: string): boolean {
    const { changes } = this.#database
      .prepare(
        "UPDATE checkpoints SET rewindingServer = ? WHERE position = ? AND rewindingServer = ?",
      )
      .run(to, checkpoint, from);
    return changes === 1;
  }

  /** Notes that a rewind is done. */
  end(checkpoint: number): void {
    this.#database
      .prepare("UPDATE checkpoints SET rewindingServer = NULL, plan = NULL WHERE position = ?")
      .run(checkpoint);
  }

  /** Whether a run of a session is open or waits, in any server. */
  isRunOpen(sessionId: string): boolean {
    const sql = `SELECT 1 FROM ${openRuns} WHERE ${isOpenInSession} LIMIT 1`;
    return this.#database.prepare(sql).get(sessionId) !== undefined;
  }

  /** Whether a run of a workspace is open or waits, in any server. */
  isAnyRunOpen(workspaceId: string): boolean {
    const sql =
      "SELECT 1 FROM runs INDEXED BY openRunsOfServer WHERE state <> 'completed' AND workspaceId = ? LIMIT 1";
    return this.#database.prepare(sql).get(workspaceId) !== undefined;
  }

  get #isKept(): boolean {
    return this.#database.steps >= checkpointsFrom;
  }
}

/** A plan that is damaged has nothing left to do. */
function toPlan(text: unknown): HistoryPlan | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const { rewound, standing } = JSON.parse(text) as { rewound: unknown; standing: Row };
    return { rewound: rangesOf(JSON.stringify(rewound)), standing: toStanding(standing) };
  } catch {
    return undefined;
  }
}
