// The rewinds that are under way (protocol.md section 4, Taking back), in whichever server: what is
// written down before the first file is touched, for whoever has to finish it.
import { type CheckpointRow, checkpointsFrom, toCheckpoint, toStanding } from "./checkpointRow.js";
import { storedText } from "./damage.js";
import type { Database, Row } from "./database.js";
import { type PositionRange, rangesOf, type SessionStanding } from "./rewoundMessages.js";

/** What a rewind that is under way still has to do with the history. */
export interface HistoryPlan {
  /** What is to be out. */
  readonly rewound: readonly PositionRange[];
  readonly standing: SessionStanding;
}

/** A rewind that is under way, or was when its server died. */
export interface OpenRewind {
  readonly checkpoint: CheckpointRow;
  readonly serverId: string;
  /** Undefined where the history stays as it is. */
  readonly history: HistoryPlan | undefined;
}

/** The rewinds that are under way. */
export class OpenRewinds {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** From now on a server is rewinding, as its checkpoint's changes and `history` say. */
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

  /** Gives a dead server's rewind to another; false where somebody else has come first. */
  takeOver(checkpoint: number, from: string, to: string): boolean {
    const { changes } = this.#database
      .prepare(
        "UPDATE checkpoints SET rewindingServer = ? WHERE position = ? AND rewindingServer = ?",
      )
      .run(to, checkpoint, from);
    return changes === 1;
  }

  /** A rewind is done. */
  end(checkpoint: number): void {
    this.#database
      .prepare("UPDATE checkpoints SET rewindingServer = NULL, plan = NULL WHERE position = ?")
      .run(checkpoint);
  }

  /** Whether a run of a session is open or waits, in any server. */
  isRunOpen(sessionId: string): boolean {
    const sql = "SELECT 1 FROM runs WHERE sessionId = ? AND state <> 'completed' LIMIT 1";
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
