/**
 * Writes to a stream that may be slow, or closed by its reader at any time: writes are awaited, and
 * a reader that leaves (`| head`) is told to the owner instead of being an error.
 */
import { once } from "node:events";
import type { Writable } from "node:stream";

export class OutputStream {
  readonly #stream: Writable;
  #isBroken = false;
  readonly #onError: (error: Error) => void;

  /** `onBroken` is called once, when nobody reads the stream any more. */
  constructor(stream: Writable, onBroken: () => void) {
    this.#stream = stream;
    this.#onError = () => {
      if (this.#isBroken) return;
      this.#isBroken = true;
      onBroken();
    };
    stream.on("error", this.#onError);
  }

  /** Writes and waits until the stream takes more. Never rejects; writes to nobody do nothing. */
  async write(text: string): Promise<void> {
    if (this.#isBroken || text === "") return;
    if (this.#stream.write(text)) return;
    const isOver = new AbortController();
    const { signal } = isOver;
    try {
      await Promise.race([
        once(this.#stream, "drain", { signal }),
        once(this.#stream, "close", { signal }),
      ]);
    } catch (error) {
      if (!this.#isBroken) throw error;
    } finally {
      isOver.abort();
    }
  }

  /** Gives the stream back. */
  release(): void {
    // A late EPIPE must not end the process, so a broken stream keeps its listener.
    if (!this.#isBroken) this.#stream.off("error", this.#onError);
  }
}
