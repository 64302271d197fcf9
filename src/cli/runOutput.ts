/**
 * Writes to a stream that may be slow or full, or that its reader may close at any time. Writes are
 * awaited. A failed write is reported to the owner and is no exception.
 */
import type { Writable } from "node:stream";
import { systemErrorCode } from "../base/systemError.js";

/** Where the output of a command goes. */
export interface Output {
  /** Why nothing can be written any more; undefined while it can. */
  readonly failure: Error | undefined;
  /** Writes; resolves once it is taken. Never rejects: `failure` has the error. */
  write(text: string): Promise<void>;
  /** The output is whole now: resolves once it is where it belongs, or `failure` says why not. */
  finish(): Promise<void>;
  release(): void;
}

/** Whether nobody reads the output any more (`turnwire … | head`): that is told by the exit code alone. */
export function isReaderGone(failure: Error): boolean {
  return systemErrorCode(failure) === "EPIPE";
}

export class OutputStream implements Output {
  readonly #stream: Writable;
  #failure: Error | undefined;
  readonly #onError: (error: Error) => void;
  readonly #onClose: () => void;
  /** The callers that wait for the stream. A closed stream may never confirm a write. */
  readonly #waiting = new Set<() => void>();
  readonly #whenTaken: (() => void)[] = [];

  /** `onBroken` is called once, when nothing can be written any more. */
  constructor(stream: Writable, onBroken: () => void) {
    this.#stream = stream;
    this.#onError = (error) => {
      if (this.#failure !== undefined) return;
      this.#failure = error;
      this.#letGo();
      onBroken();
    };
    this.#onClose = () => this.#letGo();
    stream.on("error", this.#onError);
    stream.on("close", this.#onClose);
  }

  /** Why nothing can be written any more; undefined while it can. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Writes, and waits until the system has taken it. Never rejects: `failure` has the error, and
   * later writes do nothing.
   */
  write(text: string): Promise<void> {
    if (this.#failure !== undefined || text === "") return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      const taken = (error?: Error | null) => {
        this.#waiting.delete(resolve);
        if (error) this.#onError(error);
        resolve();
        if (this.#waiting.size === 0) this.#tellTaken();
      };
      try {
        this.#stream.write(text, taken);
      } catch (error) {
        // Files are written synchronously, and Node 20 throws their errors here.
        taken(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** A stream has each piece at once. */
  async finish(): Promise<void> {}

  /** Resolves once everything was taken, or cannot be. */
  async flushed(): Promise<void> {
    while (this.#waiting.size > 0)
      await new Promise<void>((resolve) => this.#whenTaken.push(resolve));
  }

  /** Releases the stream. */
  release(): void {
    this.#stream.off("close", this.#onClose);
    // A late EPIPE must not end the process, so a broken stream keeps its listener.
    if (this.#failure === undefined) this.#stream.off("error", this.#onError);
  }

  #letGo(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
    this.#tellTaken();
  }

  #tellTaken(): void {
    for (const resolve of this.#whenTaken.splice(0)) resolve();
  }
}
