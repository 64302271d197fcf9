// Stored rows as the protocol's objects.

import { toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { HistoryMessage } from "../engine/engine.js";
import type { Message } from "../protocol/objects/message.js";
import type { Session } from "../protocol/objects/session.js";
import type { HistoryRow, MessageRow } from "../storage/messageStore.js";
import type { SessionRow } from "../storage/sessionStore.js";
import { partsOf } from "./storedParts.js";

/** A session as a client sees it. */
export function toSession(row: SessionRow, live: { isBusy: boolean; queued: number }): Session {
  return {
    id: row.id,
    workspaceId: row.workspaceId,
    ...defined({ parentSessionId: row.parentSessionId }),
    title: row.title,
    messageCount: row.messageCount,
    promptTokens: row.promptTokens,
    completionTokens: row.completionTokens,
    cost: row.cost,
    ...defined({ summaryMessageId: row.summaryMessageId }),
    isBusy: live.isBusy,
    queuedPrompts: live.queued,
    createdAt: toRfc3339(row.createdAt),
    updatedAt: toRfc3339(row.updatedAt),
  };
}

/** A message as a client sees it. */
export function toMessage(row: MessageRow): Message {
  return {
    id: row.id,
    sessionId: row.sessionId,
    role: row.role as Message["role"],
    parts: partsOf(row.parts),
    ...defined({
      model: row.model,
      provider: row.provider,
      isSummary: row.isSummary || undefined,
    }),
    createdAt: toRfc3339(row.createdAt),
    updatedAt: toRfc3339(row.updatedAt),
  };
}

/** A message as a model's history needs it. */
export function toHistoryMessage(row: HistoryRow): HistoryMessage {
  return {
    id: row.id,
    role: row.role as Message["role"],
    parts: partsOf(row.parts),
    ...defined({
      isSummary: row.isSummary || undefined,
      model: row.model ?? undefined,
      provider: row.provider ?? undefined,
      circumstances: row.circumstances === undefined ? undefined : JSON.parse(row.circumstances),
    }),
  };
}
