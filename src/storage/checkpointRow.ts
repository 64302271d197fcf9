import { storedText, storedTime } from "./damage.js";
import type { Row } from "./database.js";
import { type PositionRange, rangesOf, type SessionStanding } from "./rewoundMessages.js";
import { knownAmount } from "./sessionRow.js";

/** A database with fewer steps has no checkpoints. */
export const checkpointsFrom = 13;

/** The state of a session before a run, or a rewind, began. */
export interface CheckpointRow {
  readonly position: number;
  readonly id: string;
  readonly sessionId: string;
  /** The position of the run; undefined for a rewind. */
  readonly run: number | undefined;
  /** The position of the newest message before it. */
  readonly lastMessage: number;
  /** The messages of the session that were removed at that time. */
  readonly rewound: readonly PositionRange[];
  readonly standing: SessionStanding;
  readonly ranCommands: boolean;
  /** Whether its contents are not kept any more. */
  readonly isGivenUp: boolean;
  readonly createdAt: number;
}

/** A stored checkpoint. */
export function toCheckpoint(row: Row): CheckpointRow {
  return {
    position: Number(row.position),
    id: String(row.id),
    sessionId: String(row.sessionId),
    run: typeof row.run === "number" ? row.run : undefined,
    lastMessage: Number(row.lastMessage),
    rewound: rangesOf(row.rewound),
    standing: toStanding(row),
    ranCommands: row.ranCommands === 1,
    isGivenUp: row.givenUp === 1,
    createdAt: storedTime(row.createdAt),
  };
}

/** Further values of a point of the history, in a stored checkpoint or plan. */
export function toStanding(row: Row): SessionStanding {
  return {
    summaryMessageId: storedText(row.summaryMessageId),
    todos: storedText(row.todos),
    contextTokens: knownAmount(row.contextTokens),
    contextWindow: knownAmount(row.contextWindow),
  };
}
