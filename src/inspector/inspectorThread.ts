/**
 * The thread of `turnwire inspect`: it reads, records and shows what the process passes on, so that
 * the pipe waits for none of it.
 */
import { parentPort, workerData } from "node:worker_threads";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Entry } from "./entries.js";
import { MessageCheck } from "./messageCheck.js";
import { loadMessageSchemas } from "./messageSchemas.js";
import { PipeRecorder } from "./pipeRecorder.js";
import { RecordingFile } from "./recordingFile.js";
import { Redaction } from "./redaction.js";
import type { FromThread, ThreadSettings, ToThread } from "./threadMessages.js";

function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}

/** The file, until it cannot be written any more. */
class Recording {
  #file: RecordingFile | undefined;

  constructor(settings: ThreadSettings) {
    const { record, hidesContents } = settings;
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
      this.#file = undefined;
      tell({ kind: "trouble", text: `the recording has ended: ${messageOf(error)}` });
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

function run(settings: ThreadSettings): void {
  const recording = new Recording(settings);
  const schemas = loadMessageSchemas(settings.protocolLibrary);
  schemas.catch((error: unknown) => {
    tell({ kind: "trouble", text: `messages are not checked: ${messageOf(error)}` });
  });
  const redaction = new Redaction(settings.secrets);
  const onEntry = (entry: Entry) => recording.write(entry);
  const recorder = new PipeRecorder({
    redaction,
    check: new MessageCheck(schemas),
    hidesContents: settings.hidesContents,
    onEntry,
  });
  const take = (message: ToThread) => {
    switch (message.kind) {
      case "start": {
        const { at, command, pid } = message;
        onEntry({ kind: "start", at, command: redaction.command(command), ...defined({ pid }) });
        return;
      }
      case "bytes": {
        const { from, at, bytes } = message;
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        if (from === "stderr") recorder.pushStderr(buffer, at);
        else recorder.push(from, buffer, at);
        tell({ kind: "taken", bytes: bytes.length });
        return;
      }
      case "skipped":
        recorder.skip(message.from, message.bytes, message.at);
        return;
      case "end": {
        const { at, code, signal } = message;
        recorder.end(at);
        onEntry({ kind: "end", at, ...defined({ code, signal }) });
        recording.close();
        tell({ kind: "done" });
      }
    }
  };
  // The first messages are looked at when it is known what they should be.
  void schemas
    .then(
      () => {},
      () => {},
    )
    .then(() => parentPort?.on("message", take));
}

run(workerData as ThreadSettings);
