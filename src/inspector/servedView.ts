import { EntryLog } from "./entryLog.js";
import { MessageCheck } from "./messageCheck.js";
import type { MessageSchemas } from "./messageSchemas.js";
import { PipeRecorder } from "./pipeRecorder.js";
import { Redaction } from "./redaction.js";
import { ServedEntries } from "./servedEntries.js";
import type { ThreadSettings, ToThread } from "./threadMessages.js";
import { tell } from "./threadPort.js";

/** A server keeps less than a page does: it has work of its own. */
const kept = { entries: 20_000, characters: 16 * 1024 * 1024 };

/** The thread of a server that can be looked into. */
export class ServedView {
  readonly #log = new EntryLog(kept);
  readonly #redaction: Redaction;
  readonly #schemas: Promise<MessageSchemas>;
  readonly #recorders = new Map<string, PipeRecorder>();
  #served: ServedEntries | undefined;

  constructor(settings: ThreadSettings, schemas: Promise<MessageSchemas>) {
    this.#redaction = new Redaction(settings.secrets);
    this.#schemas = schemas;
  }

  /** @throws Error where the socket cannot be made. */
  async open({ folder, pid, command }: NonNullable<ThreadSettings["served"]>): Promise<void> {
    this.#log.add({ kind: "start", at: Date.now(), command, pid });
    this.#served = await ServedEntries.listen({ folder, pid }, this.#log, (id, action) =>
      tell({ kind: "act", id, action }),
    );
  }

  take(message: ToThread): void {
    switch (message.kind) {
      case "frame": {
        const { pipe, from, frame, at } = message;
        this.#recorderOf(pipe).pushFrame(from, frame, at);
        if (frame.kind === "text") tell({ kind: "taken", bytes: frame.text.length });
        return;
      }
      case "closed":
        this.#recorders.delete(message.pipe);
        this.#log.add({ kind: "end", at: message.at, pipe: message.pipe });
        return;
      case "skipped":
        this.#log.add({ ...message, kind: "gap" });
        return;
      case "health":
        this.#log.setState("health", { ...message, kind: "state", pipe: "" });
        return;
      case "log":
        for (const text of message.text.split("\n")) {
          if (text !== "")
            this.#log.add({ ...message, kind: "stderr", text: this.#redaction.line(text) });
        }
        tell({ kind: "taken", bytes: message.text.length });
        return;
      case "acted":
        this.#served?.acted(message.id, message.refusal);
        return;
      case "end":
        this.#served?.close();
        tell({ kind: "done" });
    }
  }

  #recorderOf(pipe: string): PipeRecorder {
    const known = this.#recorders.get(pipe);
    if (known !== undefined) return known;
    const recorder = new PipeRecorder({
      redaction: this.#redaction,
      check: new MessageCheck(this.#schemas),
      hidesContents: false,
      onEntry: (entry) => this.#log.add(pipe === "" ? entry : { ...entry, pipe }),
    });
    this.#recorders.set(pipe, recorder);
    return recorder;
  }
}
