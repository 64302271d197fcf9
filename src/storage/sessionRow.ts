import { storedAmount, storedText, storedTime } from "./damage.js";
import type { Row } from "./database.js";

/** A stored session. */
export interface SessionRow {
  readonly position: number;
  readonly id: string;
  readonly workspaceId: string;
  readonly parentSessionId: string | undefined;
  readonly title: string;
  readonly messageCount: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cost: number;
  readonly summaryMessageId: string | undefined;
  /** The tokens of the newest model call, and how many fit; undefined before the first call. */
  readonly contextTokens: number | undefined;
  readonly contextWindow: number | undefined;
  /** The task list, as JSON; undefined if there never was one. */
  readonly todos: string | undefined;
  readonly queuePaused: boolean;
  /** The options for its runs that do not set their own, as JSON; undefined if there are none. */
  readonly defaults: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Whether the row, or a part of it, cannot be read. */
  readonly isDamaged?: true;
}

/** An amount that may not be known. */
export function knownAmount(value: Row[string] | undefined): number | undefined {
  return value === null || value === undefined ? undefined : storedAmount(value);
}

/** A row of the table of sessions. */
export function toRow(row: Row): SessionRow {
  return {
    position: Number(row.position),
    id: String(row.id),
    workspaceId: String(row.workspaceId),
    parentSessionId: storedText(row.parentSessionId),
    title: String(row.title),
    messageCount: storedAmount(row.messageCount),
    promptTokens: storedAmount(row.promptTokens),
    completionTokens: storedAmount(row.completionTokens),
    cost: storedAmount(row.cost),
    summaryMessageId: storedText(row.summaryMessageId),
    contextTokens: knownAmount(row.contextTokens),
    contextWindow: knownAmount(row.contextWindow),
    todos: storedText(row.todos),
    queuePaused: row.queuePaused === 1,
    defaults: storedText(row.defaults),
    createdAt: storedTime(row.createdAt),
    updatedAt: storedTime(row.updatedAt),
  };
}
