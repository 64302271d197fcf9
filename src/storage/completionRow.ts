import { storedAmount, storedText } from "./damage.js";
import type { Row } from "./database.js";

/**
 * A stored completion. Its body is JSON without `sequence` and `attempt`, or undefined if it is
 * damaged.
 */
export interface CompletionRow {
  readonly sequence: number;
  readonly completionId: string;
  readonly clientId: string;
  /** The server that wrote it; empty if that cannot be read. */
  readonly serverId: string;
  readonly workspaceId: string;
  readonly sessionId: string;
  /** The position of its run: a run has one completion. */
  readonly run: number;
  readonly body: string | undefined;
  /** How often it has been sent. */
  readonly attempt: number;
}

/** A row of the outbox's table. */
export function toRow(row: Row): CompletionRow {
  return {
    sequence: Number(row.sequence),
    completionId: String(row.completionId),
    clientId: String(row.clientId),
    serverId: String(row.serverId),
    workspaceId: String(row.workspaceId),
    sessionId: String(row.sessionId),
    run: Number(row.run),
    body: storedText(row.body),
    attempt: storedAmount(row.attempt),
  };
}
