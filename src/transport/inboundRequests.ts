/**
 * The requests of the other side that are not answered yet. Each has an internal number, which is
 * the id that vscode-jsonrpc sees: so an id may be null, be used twice at once, or be a number that
 * JavaScript cannot hold, and still comes back as it was sent.
 */

/**
 * Takes the text of an answer. `handedOver` is called when the stream has it, in its place among
 * all messages; the promise settles when the stream has taken the bytes or failed.
 */
export type Reply = (answer: string, handedOver?: () => void) => Promise<void>;

/** A request's id as JSON text, and the way that its answer takes. */
export interface InboundRequest {
  readonly idText: string;
  readonly reply: Reply;
}

export class InboundRequests {
  #lastNumber = 0;
  readonly #waiting = new Map<number, InboundRequest>();
  /** By id as JSON text: `"1"` and `1` differ, and one id may be in use more than once. */
  readonly #numbers = new Map<string, Set<number>>();
  readonly #cancelled = new Set<number>();

  /** Takes a request in and returns its internal number. */
  open(request: InboundRequest): number {
    const number = ++this.#lastNumber;
    this.#waiting.set(number, request);
    const sameId = this.#numbers.get(request.idText);
    if (sameId === undefined) this.#numbers.set(request.idText, new Set([number]));
    else sameId.add(number);
    return number;
  }

  /** The request, which is now answered; undefined if it was answered before. */
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
   * Cancels all unanswered requests with this id and returns their internal numbers, oldest first;
   * none twice, because vscode-jsonrpc can throw at a second cancel of the same request.
   */
  cancel(idText: string): number[] {
    return this.#cancel(this.#numbers.get(idText) ?? []);
  }

  /** Cancels all unanswered requests, as {@link InboundRequests.cancel} does. */
  cancelAll(): number[] {
    return this.#cancel(this.#waiting.keys());
  }

  #cancel(numbers: Iterable<number>): number[] {
    const fresh = [...numbers].filter((number) => !this.#cancelled.has(number));
    for (const number of fresh) this.#cancelled.add(number);
    return fresh;
  }
}
