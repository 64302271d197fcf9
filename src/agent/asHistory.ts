import { defined } from "../base/defined.js";
import type { HistoryMessage, MessageWriter } from "../engine/engine.js";

/** A message that a turn has written, as later calls of the turn see it. */
export function asHistory(
  { id, parts, attachmentData }: MessageWriter,
  role: HistoryMessage["role"],
): HistoryMessage {
  const data = attachmentData.size === 0 ? undefined : attachmentData;
  return { id, role, parts: [...parts], ...defined({ attachmentData: data }) };
}
