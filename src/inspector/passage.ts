/** Passes bytes on: unchanged, as soon as they come, and no faster than they are read. */
import type { Readable, Writable } from "node:stream";
import type { Side } from "./entries.js";

/** Sees what goes through. */
export interface Watcher {
  push(from: Side | "stderr", chunk: Uint8Array): void;
}

/** One direction of a pipe. The watcher is told of bytes after they were passed on. */
export class Passage {
  readonly #target: Writable;
  /** Resolves when nothing more comes, and all of it was taken or can be taken by nobody. */
  readonly done: Promise<void>;
  #isBroken = false;
  #unwritten = 0;
  #whenWritten: (() => void) | undefined;

  constructor(source: Readable, target: Writable, from: Side | "stderr", watcher: Watcher) {
    this.#target = target;
    const ended = new Promise<void>((resolve) => {
      source.once("end", resolve);
      source.once("close", resolve);
      source.once("error", () => resolve());
      target.once("close", resolve);
      target.on("error", () => {
        // Its reader is gone: the writer must hear of that as it would without anything between.
        this.#isBroken = true;
        source.destroy();
        this.#whenWritten?.();
        resolve();
      });
    });
    source.on("data", (chunk: Buffer) => {
      if (!this.#write(chunk)) source.pause();
      watcher.push(from, chunk);
    });
    target.on("drain", () => source.resume());
    this.done = ended.then(() => this.written());
  }

  /** Resolves when everything that has come was taken by the target, or can be taken by nobody. */
  written(): Promise<void> {
    if (this.#isBroken || this.#unwritten === 0 || this.#target.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenWritten = resolve;
      this.#target.once("close", resolve);
    });
  }

  #write(chunk: Buffer): boolean {
    if (this.#isBroken || this.#target.destroyed || this.#target.writableEnded) return true;
    this.#unwritten += 1;
    return this.#target.write(chunk, () => {
      this.#unwritten -= 1;
      if (this.#unwritten === 0) this.#whenWritten?.();
    });
  }
}
