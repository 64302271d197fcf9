/**
 * The thread of `turnwire inspect`: it reads, records and shows what the process passes on, so that
 * the pipe waits for none of it.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Entry } from "./entries.js";
import { EntryLog } from "./entryLog.js";
import { MessageCheck } from "./messageCheck.js";
import { loadMessageSchemas, type MessageSchemas } from "./messageSchemas.js";
import { PageServer } from "./pageServer.js";
import { PipeRecorder } from "./pipeRecorder.js";
import { processTree } from "./processTree.js";
import { RecordingFile } from "./recordingFile.js";
import { readRecording } from "./recordingReader.js";
import { Redaction } from "./redaction.js";
import type { FromThread, ThreadSettings, ToThread } from "./threadMessages.js";

/** How often processes are looked at while a page is open, in milliseconds. */
const betweenLooksMs = 2000;
const tokenBytes = 24;

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

/** Opens the page, if one is wanted; rejects where that cannot be. */
async function openPage(settings: ThreadSettings, log: EntryLog, greeting: object): Promise<void> {
  const { page } = settings;
  if (page === undefined) return;
  const server = await PageServer.listen({
    port: page.port,
    token: randomBytes(tokenBytes).toString("base64url"),
    files: {
      script: readFileSync(new URL(page.script), "utf8"),
      style: readFileSync(new URL(page.style), "utf8"),
    },
    log,
    greeting,
    act: () => Promise.reject(new Error("This page is not attached to a data directory.")),
  });
  tell({ kind: "link", link: server.link });
}

async function showFile(file: string, settings: ThreadSettings): Promise<void> {
  const { hidesContents } = settings;
  const log = new EntryLog();
  const recording = new Recording(settings);
  const found = await readRecording(file, {
    redaction: new Redaction(settings.secrets),
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
  await openPage(settings, log, { mode: "file", subject: file, hidden, canAct: false });
}

/** What happens on the pipe that the process holds. */
class Pipe {
  readonly #settings: ThreadSettings;
  readonly #log = new EntryLog();
  readonly #recording: Recording;
  readonly #redaction: Redaction;
  readonly #recorder: PipeRecorder;
  #pid: number | undefined;

  constructor(settings: ThreadSettings, schemas: Promise<MessageSchemas>) {
    this.#settings = settings;
    this.#recording = new Recording(settings);
    this.#redaction = new Redaction(settings.secrets);
    this.#recorder = new PipeRecorder({
      redaction: this.#redaction,
      check: new MessageCheck(schemas),
      hidesContents: settings.hidesContents,
      onEntry: (entry) => this.#add(entry),
    });
  }

  take(message: ToThread): void {
    switch (message.kind) {
      case "start":
        this.#start(message);
        return;
      case "bytes": {
        const { from, at, bytes } = message;
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        if (from === "stderr") this.#recorder.pushStderr(buffer, at);
        else this.#recorder.push(from, buffer, at);
        tell({ kind: "taken", bytes: bytes.length });
        return;
      }
      case "skipped":
        this.#recorder.skip(message.from, message.bytes, message.at);
        return;
      case "end": {
        const { at, code, signal } = message;
        this.#recorder.end(at);
        this.#add({ kind: "end", at, ...defined({ code, signal }) });
        this.#recording.close();
        tell({ kind: "done" });
      }
    }
  }

  /** Opens the page and looks at the processes while somebody sees it. */
  async show(): Promise<void> {
    const { hidesContents } = this.#settings;
    const greeting = { mode: "tee", subject: "", hidden: hidesContents, canAct: false };
    await openPage(this.#settings, this.#log, greeting);
    if (this.#settings.page === undefined) return;
    setInterval(() => {
      if (this.#pid === undefined || !this.#log.isRead) return;
      const processes = processTree(this.#pid);
      if (processes.length > 0) this.#log.setState("", { kind: "state", pipe: "", processes });
    }, betweenLooksMs);
  }

  #start({ at, command, pid }: Extract<ToThread, { kind: "start" }>): void {
    this.#pid = pid;
    const words = this.#redaction.command(command);
    this.#add({ kind: "start", at, command: words, ...defined({ pid }) });
  }

  #add(entry: Entry): void {
    this.#recording.write(entry);
    this.#log.add(entry);
  }
}

async function run(settings: ThreadSettings): Promise<void> {
  if (settings.file !== undefined) return showFile(settings.file, settings);
  const schemas = loadMessageSchemas(settings.protocolLibrary);
  const pipe = new Pipe(settings, schemas);
  // The first messages are looked at when it is known what they should be.
  try {
    await schemas;
  } catch (error) {
    tell({ kind: "trouble", text: `messages are not checked: ${messageOf(error)}` });
  }
  parentPort?.on("message", (message: ToThread) => pipe.take(message));
  await pipe.show();
}

run(workerData as ThreadSettings).catch((error: unknown) => {
  tell({ kind: "failed", text: messageOf(error) });
});
