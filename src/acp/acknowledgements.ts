// When a completion counts as received (protocol.md section 14). ACP has no acknowledgement, so the
// editor's next message on the session is one, if it was read after the bytes of the answer had left.
// What is not acknowledged is told again after a restart.

/** The completions of one session that were told and not acknowledged. */
export class Acknowledgements {
  /** Told, by the id of the request that their answer belongs to. */
  readonly #answering = new Map<unknown, readonly string[]>();
  #left: string[] = [];

  /** The answer to a request tells these completions. */
  answers(requestId: unknown, completionIds: readonly string[]): void {
    if (completionIds.length > 0) this.#answering.set(requestId, completionIds);
  }

  /** The bytes of a request's answer have left. */
  left(requestId: unknown): void {
    this.#left.push(...(this.#answering.get(requestId) ?? []));
    this.#answering.delete(requestId);
  }

  /** The completions that a message which is read now acknowledges. */
  take(): string[] {
    return this.#left.splice(0);
  }
}
