/**
 * The requests of the other side that are not answered yet. Each has an internal number, which is
 * the id that vscode-jsonrpc sees: so an id may be null, be used twice at once, or be a number that
 * JavaScript cannot hold, and still comes back as it was sent.
 */

/**
 * Takes the text of an answer. `handedOver` is called when the answer was given to the stream, in
 * order with all other messages. The promise settles when the stream has taken the bytes or failed.
 */
export type Reply = (answer: string, handedOver?: () => void) => Promise<void>;

/** A request's id as JSON text, and where its answer goes. */
export interface InboundRequest {
  readonly idText: string;
  readonly reply: Reply;
}

export class InboundRequests {
  #lastNumber = 0;
  readonly #waiting = new Map<number, InboundRequest>();
  /**
   * The requests by id as JSON text: `"1"` and `1` differ, and one id may be in use more than once.
   */
  readonly #numbers = new Map<string, Set<number>>();
  readonly #cancelled = new Set<number>();

  /** Adds a request and returns its internal number. */
  open(request: InboundRequest): number {
    const number = ++this.#lastNumber;
    this.#waiting.set(number, request);
    const sameId = this.#numbers.get(request.idText);
    if (sameId === undefined) this.#numbers.set(request.idText, new Set([number]));
    else sameId.add(number);
    return number;
  }

  /** The id as the other side wrote it, if the message is one of its open requests. */
  idTextOf(message: object): string | undefined {
    return this.#waiting.get((message as { id?: number }).id ?? 0)?.idText;
  }

  /** Removes a request because it is answered now; undefined if it was answered before. */
  take(number: number): InboundRequest | undefined {
    const request = this.#waiting.get(number);
    if (request === undefined) return undefined;
    this.#waiting.delete(number);
    this.#cancelled.delete(number);
    const sameId = this.#numbers.get(request.idText);
    sameId?.delete(number);
    if (sameId?.size === 0) this.#numbers.delete(request.idText);
    return request;
  }

  /**
   * Cancels all unanswered requests with this id and returns their internal numbers, oldest first.
   * Never returns a number twice, because vscode-jsonrpc can throw at the second cancel of a
   * request.
   */
  cancel(idText: string): number[] {
    return this.#cancel(this.#numbers.get(idText) ?? []);
  }

  /** Cancels all unanswered requests, like {@link InboundRequests.cancel}. */
  cancelAll(): number[] {
    return this.#cancel(this.#waiting.keys());
  }

  #cancel(numbers: Iterable<number>): number[] {
    const fresh = [...numbers].filter((number) => !this.#cancelled.has(number));
    for (const number of fresh) this.#cancelled.add(number);
    return fresh;
  }
}
