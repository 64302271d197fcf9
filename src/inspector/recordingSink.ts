import { messageOf } from "../base/errors.js";
import type { Entry } from "./entries.js";
import { RecordingFile } from "./recordingFile.js";
import type { ThreadSettings } from "./threadMessages.js";
import { tell } from "./threadPort.js";

/** The recording that is asked for, until it cannot be written any more; then the user is told. */
export class RecordingSink {
  #file: RecordingFile | undefined;

  constructor({ record, hidesContents }: ThreadSettings) {
    if (record === undefined) return;
    try {
      this.#file = new RecordingFile({ ...record, hidesContents, now: () => Date.now() });
    } catch (error) {
      tell({ kind: "trouble", text: `nothing is recorded: ${messageOf(error)}` });
    }
  }

  write(entry: Entry): void {
    try {
      this.#file?.write(entry);
    } catch (error) {
      this.#ended(error);
    }
  }

  close(): void {
    const file = this.#file;
    this.#file = undefined;
    try {
      file?.close();
    } catch (error) {
      this.#ended(error);
    }
  }

  #ended(error: unknown): void {
    this.#file = undefined;
    tell({ kind: "trouble", text: `the recording has ended: ${messageOf(error)}` });
  }
}
