import { EntryLog } from "./entryLog.js";
import { actNowhere, openPage } from "./openPage.js";
import { readRecording } from "./recordingReader.js";
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
