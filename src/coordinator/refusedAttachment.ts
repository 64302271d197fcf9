import type { Clock } from "../base/clock.js";
import type { Message } from "../protocol/objects/message.js";
import type { MessageStore } from "../storage/messageStore.js";
import type { PatientWrites } from "./patientWrites.js";
import { partsText, storedParts } from "./storedParts.js";
import { toMessage } from "./wireObjects.js";

/** An attachment that a model's provider has refused. */
interface Refusal {
  readonly messageId: string;
  readonly partIndex: number;
  readonly model: string;
}

/** Notes on a stored message that a model's provider has refused one of its attachments. */
export function noteRefusal(
  { messageId, partIndex, model }: Refusal,
  {
    messages,
    run,
    clock,
    writes,
  }: {
    readonly messages: MessageStore;
    readonly run: { readonly sessionId: string };
    readonly clock: Clock;
    readonly writes: PatientWrites;
  },
): Message | undefined {
  const row = messages.find(run.sessionId, messageId);
  const stored = storedParts(row?.parts);
  if (row === undefined || "damage" in stored) return undefined;
  const { parts } = stored;
  const part = parts[partIndex];
  if (part?.type !== "attachment") return undefined;
  part.refusedBy = [...new Set([...(part.refusedBy ?? []), model])];
  const changed = { ...row, parts: partsText(parts), updatedAt: clock.now() };
  writes.write(() => messages.update(row.id, changed.parts, changed.updatedAt));
  return toMessage(changed, messages);
}
