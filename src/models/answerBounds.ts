// Bounds for what a provider sends. An answer that never ends must not fill the memory.
import { GarbledReplyError } from "./errorFacts.js";

const lineFeed = 10;
const carriageReturn = 13;
const mebibyte = 1024 * 1024;

/**
 * Counts the bytes of the event that has begun in a stream of events. Every parser keeps such an
 * event in memory until its end, which is an empty line.
 */
export class EventBound {
  readonly #mostBytes: number;
  #bytes = 0;
  /** The last two bytes of the chunks before; 0 if there are none. */
  #last = 0;
  #lastButOne = 0;

  /** @param mostBytes the most bytes of one event. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @throws GarbledReplyError if the event that has begun is longer than the limit.
   */
  take(chunk: Uint8Array): void {
    const end = this.#endOfEvents(chunk);
    this.#bytes = end === 0 ? this.#bytes + chunk.length : chunk.length - end;
    const last = this.#byteAt(chunk, chunk.length - 1);
    this.#lastButOne = this.#byteAt(chunk, chunk.length - 2);
    this.#last = last;
    if (this.#bytes > this.#mostBytes) {
      const most = Number((this.#mostBytes / mebibyte).toFixed(1));
      throw new GarbledReplyError(`one event of the stream is longer than ${most} MiB`);
    }
  }

  /** Where the last empty line of a chunk ends, in bytes; 0 if the chunk has no empty line. */
  #endOfEvents(chunk: Uint8Array): number {
    let at = chunk.lastIndexOf(lineFeed);
    while (at >= 0) {
      const isCrLf = this.#byteAt(chunk, at - 1) === carriageReturn;
      if (this.#byteAt(chunk, at - (isCrLf ? 2 : 1)) === lineFeed) return at + 1;
      // A negative index would count from the end.
      at = at === 0 ? -1 : chunk.lastIndexOf(lineFeed, at - 1);
    }
    return 0;
  }

  /** A byte of a chunk. The indexes -1 and -2 are the bytes before the chunk. */
  #byteAt(chunk: Uint8Array, index: number): number {
    if (index >= 0) return chunk[index] ?? 0;
    return index === -1 ? this.#last : this.#lastButOne;
  }
}

/** Passes on the first bytes of a stream, and then ends it. What follows is not read. */
export class FirstBytes extends TransformStream<Uint8Array, Uint8Array> {
  constructor(mostBytes: number) {
    let left = mostBytes;
    super({
      transform(chunk, controller) {
        controller.enqueue(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) controller.terminate();
      },
    });
  }
}
