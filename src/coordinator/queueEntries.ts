import { toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { QueueEntry } from "../protocol/objects/queueEntry.js";
import type { RunRef } from "./sessionState.js";

/** The id of a queue entry; the same in every server. */
export function queueIdOf({ position }: Pick<RunRef, "position">): string {
  return `que_${position}`;
}

/** The position of the run of an entry; undefined if no entry has such an id. */
export function positionOfEntry(queueId: string): number | undefined {
  const [, digits] = /^que_(\d{1,15})$/.exec(queueId) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** An entry in the form for clients. */
export function toQueueEntry(waiting: {
  position: number;
  runId: string | undefined;
  text: string;
  acceptedAt: number;
}): QueueEntry {
  const { runId, text, acceptedAt } = waiting;
  const head = { queueId: queueIdOf(waiting), ...defined({ runId }) };
  return { ...head, prompt: text, acceptedAt: toRfc3339(acceptedAt) };
}
