/**
 * Events as an async iterable that holds at most its limit. If the reader is slow, the oldest
 * events are dropped, and an `eventsDropped` tells how many, as from the server (protocol.md
 * section 6).
 */
import { Deferred } from "../base/deferred.js";
import type { LossyEvent } from "../protocol/registry.js";

export class EventStream implements AsyncIterableIterator<LossyEvent> {
  readonly #limit: number;
  readonly #onEnd: () => void;
  #buffer: LossyEvent[] = [];
  #waiting: Deferred<IteratorResult<LossyEvent>>[] = [];
  #dropped = 0;
  #hasEnded = false;

  /** `onEnd` is called once, when the reader leaves or {@link EventStream.end} is called. */
  constructor(limit: number, onEnd: () => void) {
    this.#limit = limit;
    this.#onEnd = onEnd;
  }

  /** Gives an event to the reader, or keeps it until the reader asks. */
  push(event: LossyEvent): void {
    if (this.#hasEnded) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: event });
      return;
    }
    this.#buffer.push(event);
    if (this.#buffer.length > this.#limit) {
      this.#buffer.shift();
      this.#dropped++;
    }
  }

  /** Ends the stream. Buffered events can still be read. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const reader of this.#waiting) reader.resolve({ done: true, value: undefined });
    this.#waiting = [];
    this.#onEnd();
  }

  next(): Promise<IteratorResult<LossyEvent>> {
    if (this.#dropped > 0) {
      const count = this.#dropped;
      this.#dropped = 0;
      return Promise.resolve({
        done: false,
        value: { method: "eventsDropped", params: { count } },
      });
    }
    const event = this.#buffer.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    const reader = new Deferred<IteratorResult<LossyEvent>>();
    this.#waiting.push(reader);
    return reader.promise;
  }

  /** Called by `for await` when its body leaves the loop. */
  return(): Promise<IteratorResult<LossyEvent>> {
    this.#buffer = [];
    this.#dropped = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
