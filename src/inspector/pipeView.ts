import { defined } from "../base/defined.js";
import type { Entry } from "./entries.js";
import { EntryLog } from "./entryLog.js";
import { MessageCheck } from "./messageCheck.js";
import type { MessageSchemas } from "./messageSchemas.js";
import { actNowhere, openPage } from "./openPage.js";
import { PipeRecorder } from "./pipeRecorder.js";
import { processTree } from "./processTree.js";
import { RecordingSink } from "./recordingSink.js";
import { Redaction } from "./redaction.js";
import type { ThreadSettings, ToThread } from "./threadMessages.js";
import { tell } from "./threadPort.js";

/** How often processes are looked at while a page is open, in milliseconds. */
const betweenLooksMs = 2000;

/** What happens on the pipe that the process holds: recorded and shown. */
export class PipeView {
  readonly #settings: ThreadSettings;
  readonly #log = new EntryLog();
  readonly #recording: RecordingSink;
  readonly #redaction: Redaction;
  readonly #recorder: PipeRecorder;
  #pid: number | undefined;

  constructor(settings: ThreadSettings, schemas: Promise<MessageSchemas>) {
    this.#settings = settings;
    this.#recording = new RecordingSink(settings);
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

  /**
   * Opens the page, and looks at the processes while somebody sees it.
   *
   * @throws Error of the system where the port is taken.
   */
  async show(): Promise<void> {
    const { hidesContents: hidden, page } = this.#settings;
    const greeting = { mode: "tee", subject: "", hidden, canAct: false } as const;
    await openPage(this.#settings, this.#log, greeting, actNowhere);
    if (page === undefined) return;
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
