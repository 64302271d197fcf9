import { type Clock, toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { Ids } from "../base/ids.js";
import type { NewMessage } from "../engine/engine.js";
import type { MessageRow } from "../storage/messageRows.js";
import type { MessageStore } from "../storage/messageStore.js";
import type { RunRow } from "../storage/runStore.js";
import { type MessageOutlet, MessageRecorder } from "./messageRecorder.js";
import { partsText } from "./storedParts.js";
import { toMessage } from "./wireObjects.js";

/** What a new message needs. */
export interface NewMessageOptions {
  readonly run: Pick<RunRow, "position" | "sessionId">;
  readonly messages: MessageStore;
  readonly ids: Ids;
  readonly clock: Clock;
}

/** A message that another server has begun. */
export function reopenedMessage(
  row: MessageRow,
  messages: MessageStore,
  outlet: MessageOutlet,
): MessageRecorder {
  const { parts, updatedAt: _, ...head } = toMessage(row, messages);
  return new MessageRecorder(head, parts, outlet, messages.attachments(row.id));
}

/** Makes a message of a turn; `insert` stores it, and nobody has been told of it. */
export function newMessage(
  message: NewMessage,
  options: NewMessageOptions,
  outlet: MessageOutlet,
): { readonly recorder: MessageRecorder; readonly insert: () => void } {
  const { ids, clock, run, messages } = options;
  const now = clock.now();
  const head = {
    id: ids.next("msg"),
    sessionId: run.sessionId,
    role: message.role,
    ...defined({
      model: message.model,
      provider: message.provider,
      isSummary: message.isSummary || undefined,
    }),
    createdAt: toRfc3339(now),
  };
  const recorder = new MessageRecorder(head, message.parts ?? [], outlet);
  const row = {
    id: head.id,
    sessionId: run.sessionId,
    run: run.position,
    role: message.role,
    parts: partsText(recorder.parts),
    model: message.model,
    provider: message.provider,
    isSummary: message.isSummary ?? false,
    circumstances: message.circumstances && JSON.stringify(message.circumstances),
    createdAt: now,
  };
  return { recorder, insert: () => messages.insert(row, message.attachmentData) };
}
