import { formatCount } from "./text.js";
import { ValueCounter } from "./valueCounter.js";

const lineFeed = 10;
const carriageReturn = 13;
const mebibyte = 1024 * 1024;

/** An event of fewer bytes may have any values: it is parsed fast enough. */
const weighedFrom = 128 * 1024;

/**
 * Bounds one event in a stream of server-sent events. Every parser keeps the event that has begun in
 * memory until its end, which is an empty line, and then parses it in one piece.
 */
export class EventBound {
  readonly #most: { readonly bytes: number; readonly values: number };
  readonly #refused: (why: string) => Error;
  #bytes = 0;
  /** The pieces of the event whose values are not counted yet. */
  #pieces: Uint8Array[] = [];
  #counter: ValueCounter | undefined;
  /** The last two bytes of the chunks before; 0 if there are none. */
  #last = 0;
  #lastButOne = 0;

  /**
   * @param most the most bytes of one event, and the most values of its JSON. Short events may have any.
   * @param refused makes the error for an event that is too much, of the words that say why.
   */
  constructor(
    most: { readonly bytes: number; readonly values: number },
    refused: (why: string) => Error,
  ) {
    this.#most = most;
    this.#refused = refused;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @throws the error of `refused` if the event that has begun is longer than the limit, or if it is long
   *   and has very many values.
   */
  take(chunk: Uint8Array): void {
    const end = this.#endOfEvents(chunk);
    if (end > 0) this.#begin();
    const begun = end === 0 ? chunk : chunk.subarray(end);
    this.#bytes += begun.length;
    const last = this.#byteAt(chunk, chunk.length - 1);
    this.#lastButOne = this.#byteAt(chunk, chunk.length - 2);
    this.#last = last;
    const { bytes } = this.#most;
    if (this.#bytes > bytes) {
      const most = Number((bytes / mebibyte).toFixed(1));
      throw this.#refused(`one event of the stream is longer than ${most} MiB`);
    }
    if (begun.length > 0) this.#weigh(begun);
  }

  /** An event has ended. */
  #begin(): void {
    this.#bytes = 0;
    this.#pieces = [];
    this.#counter = undefined;
  }

  /** Most events are short, and are never looked at. */
  #weigh(piece: Uint8Array): void {
    this.#pieces.push(piece);
    if (this.#bytes <= weighedFrom) return;
    this.#counter ??= new ValueCounter();
    for (const one of this.#pieces.splice(0)) this.#counter.add(one);
    const { values } = this.#most;
    if (this.#counter.count <= values) return;
    throw this.#refused(`one event of the stream has more than ${formatCount(values)} values`);
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
