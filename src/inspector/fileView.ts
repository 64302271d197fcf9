import { statSync } from "node:fs";
import { EntryLog } from "./entryLog.js";
import { actNowhere, openPage } from "./openPage.js";
import { beforeOf, readRecording } from "./recordingReader.js";
import { RecordingSink } from "./recordingSink.js";
import { Redaction } from "./redaction.js";
import type { ThreadSettings } from "./threadMessages.js";
import { tell } from "./threadPort.js";

/**
 * Shows a recording, and writes it once more where that is asked for.
 *
 * @throws Error where it cannot be read, or is none.
 */
export async function showFile(file: string, settings: ThreadSettings): Promise<void> {
  const { hidesContents, secrets } = settings;
  const read = [file, beforeOf(file)];
  const written = settings.record === undefined ? [] : [settings.record.path];
  if (read.some((one) => written.some((other) => isSameFile(one, other)))) {
    throw new Error(`${file} is read: it cannot be written at the same time`);
  }
  const log = new EntryLog();
  const recording = new RecordingSink(settings);
  const found = await readRecording(file, {
    redaction: new Redaction(secrets),
    hidesContents,
    onEntry(entry) {
      log.add(entry);
      recording.write(entry);
    },
  });
  recording.close();
  if (found.unread > 0) {
    tell({ kind: "trouble", text: `${found.unread} lines of ${file} are no entries` });
  }
  const hidden = hidesContents || found.hidden;
  await openPage(settings, log, { mode: "file", subject: file, hidden, canAct: false }, actNowhere);
}

/** Whether both are one file, whatever they are called. */
function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
