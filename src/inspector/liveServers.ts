/** Connects to every server of a data directory that can be looked into, and takes their entries. */
import { createConnection, type Socket } from "node:net";
import { messageOf } from "../base/errors.js";
import { LineSplitter } from "../base/lineSplitter.js";
import { systemErrorCode } from "../base/systemError.js";
import type { Entry } from "./entries.js";
import type { EntryLog } from "./entryLog.js";
import { entryOf } from "./entryOf.js";
import { type LiveNote, notesIn, removeNote } from "./liveNote.js";
import { processTree } from "./processTree.js";
import type { CompletionAction } from "./threadMessages.js";

const mostLineBytes = 32 * 1024 * 1024;
/** How long a server may take to do what is asked for, in milliseconds. */
const patienceMs = 10_000;

/** What is told of the servers. */
export interface LiveServersOptions {
  readonly folder: string;
  readonly log: EntryLog;
  onEntry(entry: Entry): void;
  now(): number;
}

interface Attached {
  readonly socket: Socket;
  readonly pid: number;
  readonly waiting: Map<number, (refusal: string | undefined) => void>;
}

/** The servers that are attached. */
/** A line of a server; which members there are depends on the kind. */
interface Told {
  readonly kind: string;
  readonly pipe?: string;
  readonly id?: number;
  readonly refusal?: string;
  readonly health?: unknown;
  readonly clients?: unknown;
}

export class LiveServers {
  readonly #options: LiveServersOptions;
  readonly #attached = new Map<number, Attached>();
  #nextId = 1;

  constructor(options: LiveServersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#attached.size;
  }

  /**
   * Attaches to servers that have come since the last look.
   *
   * @throws Error where the folder of their sockets is not the user's own.
   */
  look(): void {
    for (const note of notesIn(this.#options.folder)) {
      if (!this.#attached.has(note.pid)) this.#attach(note);
    }
  }

  /** Says which processes the attached servers have. */
  tellProcesses(): void {
    for (const { pid } of this.#attached.values()) {
      const processes = processTree(pid);
      const pipe = `${pid}`;
      if (processes.length > 0) {
        this.#options.log.setState(`processes ${pid}`, { kind: "state", pipe, processes });
      }
    }
  }

  /** Has something done by the first server that can; rejects with the reason of the last that cannot. */
  async act(action: CompletionAction): Promise<void> {
    let reason = "No server is attached: start one with `turnwire serve --inspect`.";
    for (const attached of this.#attached.values()) {
      const refusal = await this.#ask(attached, action);
      if (refusal === undefined) return;
      reason = refusal;
    }
    throw new Error(reason);
  }

  close(): void {
    for (const { socket } of this.#attached.values()) socket.destroy();
  }

  #ask({ socket, waiting }: Attached, action: CompletionAction): Promise<string | undefined> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve("The server does not answer."), patienceMs);
      waiting.set(id, (refusal) => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(refusal);
      });
      socket.write(`${JSON.stringify({ id, action })}\n`);
    });
  }

  #attach(note: LiveNote): void {
    const socket = createConnection({ path: note.address });
    const attached: Attached = { socket, pid: note.pid, waiting: new Map() };
    this.#attached.set(note.pid, attached);
    const lines = new LineSplitter(mostLineBytes);
    let wasOpen = false;
    socket.once("connect", () => {
      wasOpen = true;
    });
    socket.on("data", (chunk: Buffer) => {
      for (const { text } of lines.push(chunk)) this.#take(attached, text);
    });
    let isGone = false;
    // What is left is told by the end of the connection.
    socket.on("error", (error) => {
      isGone = ["ECONNREFUSED", "ENOENT"].includes(systemErrorCode(error) ?? "");
    });
    socket.once("close", () => {
      this.#attached.delete(note.pid);
      for (const answer of attached.waiting.values()) answer("The server has ended.");
      const { onEntry, now, folder, log } = this.#options;
      for (const key of ["health", "processes"]) log.removeState(`${key} ${note.pid}`);
      if (wasOpen) onEntry({ kind: "end", at: now(), pipe: `${note.pid}` });
      // A server that was killed has left its note. One that is too busy at this moment is not dead.
      else if (isGone) removeNote(folder, note);
    });
  }

  #take({ pid, waiting }: Attached, text: string): void {
    const { onEntry, log, now } = this.#options;
    try {
      const value = JSON.parse(text) as Told;
      const pipe = value.pipe ? `${pid} ${value.pipe}` : `${pid}`;
      if (value.kind === "acted") {
        waiting.get(value.id ?? -1)?.(value.refusal);
      } else if (value.kind === "state") {
        const { health, clients } = value;
        log.setState(`health ${pid}`, {
          kind: "state",
          pipe,
          health: listOf(health),
          clients: listOf(clients),
        });
      } else {
        // What a newer server tells beside is ignored.
        const entry = entryOf(value);
        if (entry !== undefined) onEntry({ ...entry, pipe });
      }
    } catch (error) {
      onEntry({ kind: "stderr", at: now(), pipe: `${pid}`, text: messageOf(error) });
    }
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
