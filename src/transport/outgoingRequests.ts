/**
 * Our own requests that the other side has not answered yet. vscode-jsonrpc leaves them pending
 * when a stream closes; this class knows which ones to fail.
 */
export class OutgoingRequests {
  readonly #waiting = new Set<number>();
  #isClosed = false;

  /** Whether nothing can be answered any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  add(id: number): void {
    this.#waiting.add(id);
  }

  isWaiting(id: unknown): boolean {
    return typeof id === "number" && this.#waiting.has(id);
  }

  /** Forgets the request; false if it was not waiting. */
  settle(id: unknown): boolean {
    return typeof id === "number" && this.#waiting.delete(id);
  }

  /** No answer can come any more: returns the requests that waited for one. */
  close(): number[] {
    this.#isClosed = true;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    return waiting;
  }
}
