/** The thread of a server that can be looked into: it hands entries to whoever of its user's connects. */

import { once } from "node:events";
import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { messageOf } from "../base/errors.js";
import { LineSplitter } from "../base/lineSplitter.js";
import { drained } from "./drained.js";
import type { EntryLog } from "./entryLog.js";
import { isObject } from "./entryOf.js";
import { type LiveNote, newAddress, removeNote, writeNote } from "./liveNote.js";
import type { CompletionAction } from "./threadMessages.js";

const mostReaders = 16;
const mostRequestBytes = 64 * 1024;
const linesAtOnce = 500;

/** What is asked for over a connection, and how it was answered; `id` is the asker's own. */
interface Asked {
  readonly socket: Socket;
  readonly id: unknown;
}

/** Entries for whoever connects, and what they want to be done. */
export class ServedEntries {
  readonly #log: EntryLog;
  readonly #note: LiveNote;
  readonly #folder: string;
  readonly #server: Server;
  readonly #asked = new Map<number, Asked>();
  readonly #act: (id: number, action: CompletionAction) => void;
  #nextId = 1;

  /** @throws Error where the socket cannot be made, or its folder is not the user's own. */
  static async listen(
    place: { readonly folder: string; readonly pid: number },
    log: EntryLog,
    act: (id: number, action: CompletionAction) => void,
  ): Promise<ServedEntries> {
    const address = newAddress(place.folder, place.pid);
    const server = createServer();
    server.maxConnections = mostReaders;
    server.listen(address);
    await once(server, "listening");
    // The folder is private already; this is for whoever looks at the socket alone.
    if (process.platform !== "win32") chmodSync(address, 0o600);
    const note = { address, pid: place.pid };
    writeNote(place.folder, note);
    return new ServedEntries(place.folder, note, server, log, act);
  }

  private constructor(
    folder: string,
    note: LiveNote,
    server: Server,
    log: EntryLog,
    act: (id: number, action: CompletionAction) => void,
  ) {
    this.#folder = folder;
    this.#note = note;
    this.#server = server;
    this.#log = log;
    this.#act = act;
    server.on("connection", (socket) => this.#serve(socket));
    // A connection that could not be taken is its reader's loss alone.
    server.on("error", () => {});
  }

  /** Tells whoever has asked what became of it. */
  acted(id: number, refusal: string | undefined): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    asked?.socket.write(`${JSON.stringify({ kind: "acted", id: asked.id, refusal })}\n`);
  }

  close(): void {
    this.#server.close();
    removeNote(this.#folder, this.#note);
  }

  #serve(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    const lines = new LineSplitter(mostRequestBytes);
    socket.on("data", (chunk: Buffer) => {
      for (const { text } of lines.push(chunk)) this.#take(socket, text);
      // Whoever asks and never reads must not fill the memory with answers.
      if (socket.writableNeedDrain) socket.pause();
    });
    socket.on("drain", () => socket.resume());
    void this.#send(socket);
  }

  #take(socket: Socket, text: string): void {
    try {
      const { id, action } = JSON.parse(text) as { id: unknown; action: unknown };
      if (!isAction(action)) throw new Error("This is no request of an inspector.");
      const own = this.#nextId++;
      this.#asked.set(own, { socket, id });
      this.#act(own, action);
    } catch (error) {
      socket.write(`${JSON.stringify({ kind: "acted", refusal: messageOf(error) })}\n`);
    }
  }

  /** All entries that are kept, and then each one as it comes. */
  async #send(socket: Socket): Promise<void> {
    let next = 0;
    let version = 0;
    while (!socket.destroyed) {
      const part = this.#log.after(next, version, linesAtOnce);
      next = part.next;
      version = part.version;
      if (part.text === "") await this.#log.changed(socket);
      else if (!socket.write(part.text)) await drained(socket);
    }
  }
}

/** Another user's program cannot ask, but another version of ours can. */
function isAction(value: unknown): value is CompletionAction {
  if (!isObject(value)) return false;
  const { what, completionId, clientId, sequence } = value;
  return (
    (what === "redeliver" || what === "acknowledge") &&
    typeof completionId === "string" &&
    typeof clientId === "string" &&
    typeof sequence === "number"
  );
}
