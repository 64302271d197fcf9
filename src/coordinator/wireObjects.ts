// Makes the protocol's objects from stored rows.

import { toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { Circumstances, HistoryMessage } from "../engine/engine.js";
import type { Message } from "../protocol/objects/message.js";
import type { Session, Todo } from "../protocol/objects/session.js";
import type { HistoryRow } from "../storage/historyRows.js";
import type { MessageRow } from "../storage/messageRows.js";
import type { SessionRow } from "../storage/sessionStore.js";
import { damagedParts, storedParts } from "./storedParts.js";

/** Is told of a message whose parts are damaged. */
export interface DamageListener {
  reportDamage(id: string, reason: string): void;
}

/** A session in the form for clients. */
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
    ...defined({
      summaryMessageId: row.summaryMessageId,
      contextTokens: row.contextTokens,
      contextWindow: row.contextWindow || undefined,
      todos: storedTodos(row.todos),
    }),
    ...defined({ errorName: row.isDamaged ? ("StorageDamaged" as const) : undefined }),
    isBusy: live.isBusy,
    queuedPrompts: live.queued,
    queuePaused: row.queuePaused,
    createdAt: toRfc3339(row.createdAt),
    updatedAt: toRfc3339(row.updatedAt),
  };
}

function isTodo(entry: unknown): entry is Todo {
  if (typeof entry !== "object" || entry === null) return false;
  const { text, status } = entry as Record<string, unknown>;
  return (
    typeof text === "string" && ["pending", "inProgress", "completed"].includes(String(status))
  );
}

/** A session's task list; undefined if it has none, or if it cannot be read. */
function storedTodos(text: string | undefined): Session["todos"] {
  if (text === undefined) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every(isTodo) ? list : undefined;
  } catch {
    return undefined;
  }
}

/** A message in the form for clients. A damaged one is marked as damaged. */
export function toMessage(row: MessageRow, listener: DamageListener): Message {
  const stored = storedParts(row.parts);
  const isDamaged = "damage" in stored;
  if (isDamaged) listener.reportDamage(row.id, stored.damage);
  return {
    id: row.id,
    sessionId: row.sessionId,
    role: row.role as Message["role"],
    parts: isDamaged ? [...damagedParts] : stored.parts,
    ...defined({
      errorName: isDamaged ? ("StorageDamaged" as const) : undefined,
      model: row.model,
      provider: row.provider,
      isSummary: row.isSummary || undefined,
    }),
    createdAt: toRfc3339(row.createdAt),
    updatedAt: toRfc3339(row.updatedAt),
  };
}

/** A message for a model's history; undefined if it is damaged. */
export function toHistoryMessage(
  row: HistoryRow,
  listener: DamageListener,
): HistoryMessage | undefined {
  const stored = storedParts(row.parts);
  if ("damage" in stored) {
    listener.reportDamage(row.id, stored.damage);
    return undefined;
  }
  return {
    id: row.id,
    role: row.role as Message["role"],
    parts: stored.parts,
    ...defined({
      isSummary: row.isSummary || undefined,
      model: row.model ?? undefined,
      provider: row.provider ?? undefined,
      circumstances: storedCircumstances(row, listener),
    }),
  };
}

/** What the model was told together with a message. If that is damaged, the model is told again. */
function storedCircumstances(
  { id, circumstances }: HistoryRow,
  listener: DamageListener,
): Circumstances | undefined {
  try {
    const told: unknown = JSON.parse(circumstances ?? "null");
    if (typeof told !== "object" || told === null) return undefined;
    return isCircumstances(told) ? told : undefined;
  } catch {
    listener.reportDamage(id, "what was told along with it is no JSON");
    return undefined;
  }
}

function isCircumstances(told: object): told is Circumstances {
  const { begin, surroundings, newAgentsMd, newUserAgentsMd, newSkills } = told as Record<
    string,
    unknown
  >;
  const areTexts = areOptionalTexts([surroundings, newAgentsMd, newUserAgentsMd, newSkills]);
  if (begin === undefined || typeof begin !== "object" || begin === null) {
    return areTexts && begin === undefined;
  }
  const { date, agentsMd, userAgentsMd, skills } = begin as Record<string, unknown>;
  const hasTexts = areTexts && areOptionalTexts([userAgentsMd, skills]);
  return hasTexts && typeof date === "string" && typeof agentsMd === "string";
}

function areOptionalTexts(values: readonly unknown[]): boolean {
  return values.every((value) => value === undefined || typeof value === "string");
}
