import type { Log } from "../../src/base/log.js";

/** A log that a test can read: the messages, in order, and what came with each. */
export function recordingLog(): { log: Log; messages: string[]; fields: object[] } {
  const messages: string[] = [];
  const fields: object[] = [];
  const note = (more: object, message: string) => {
    messages.push(message);
    fields.push(more);
  };
  return { log: { debug: note, info: note, warn: note, error: note }, messages, fields };
}
