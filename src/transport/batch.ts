/**
 * The answers to one batch. They go out together, as one array in the order of the requests, when
 * the last one is there.
 */
import { Deferred } from "../base/deferred.js";
import type { Reply } from "./inboundRequests.js";

export class Batch {
  readonly #send: Reply;
  readonly #answers: string[];
  readonly #sent = new Deferred<void>();
  readonly #handedOver: (() => void)[] = [];
  #missing: number;

  /** `size` is the number of members that get an answer. */
  constructor(size: number, send: Reply) {
    this.#send = send;
    this.#answers = new Array<string>(size);
    this.#missing = size;
  }

  /** Makes the way for the answer at index `slot`; its promise settles when the batch was sent. */
  replyAt(slot: number): Reply {
    return (answer, handedOver) => {
      this.#answers[slot] = answer;
      if (handedOver !== undefined) this.#handedOver.push(handedOver);
      this.#missing--;
      if (this.#missing === 0) this.#sent.resolve(this.#sendAll());
      return this.#sent.promise;
    };
  }

  #sendAll(): Promise<void> {
    return this.#send(`[${this.#answers.join(",")}]`, () => {
      for (const run of this.#handedOver) run();
    });
  }
}
