// The completions of other servers that one connection is to get (protocol.md section 5). They
// become due in any order. So what was sent is stored as a set above a floor: up to the floor,
// everything was sent.
import type { CompletionRow } from "../storage/completionStore.js";
import type { OtherCompletion } from "../storage/otherCompletions.js";
import type { Outbox } from "./outbox.js";

/** The most completions that wait on one connection; the next look finds the rest. */
const mostDue = 1000;

/** Says whether another server's completion is due to a connection of its client. */
export type IsDue = (completion: OtherCompletion) => boolean;

/** The completions that other servers wrote and that this connection gets. */
export class LateLane {
  readonly #outbox: Outbox;
  readonly #clientId: string;
  /** Everything of other servers up to here was sent, or belongs to the backlog. */
  #floor: number;
  /** Up to here, nothing of other servers is to be sent before the completions of this one. */
  #clear = 0;
  readonly #sent = new Set<number>();
  /** The due completions: for each sequence, the event that it must follow. */
  readonly #due = new Map<number, number>();

  constructor(outbox: Outbox, clientId: string, floor: number) {
    this.#outbox = outbox;
    this.#clientId = clientId;
    this.#floor = floor;
  }

  /**
   * Looks for completions that are due now; they follow all events up to `barrier`. Returns whether
   * there are some that are not due yet.
   */
  look(isDue: IsDue, barrier: number): boolean {
    const { end } = this.#outbox;
    let first: number | undefined;
    let isWaiting = false;
    for (const other of this.#unsent(end)) {
      first ??= other.sequence;
      if (this.#due.has(other.sequence)) continue;
      if (this.#due.size >= mostDue || !isDue(other)) isWaiting = true;
      else this.#due.set(other.sequence, barrier);
    }
    this.#raiseFloor(first === undefined ? end : first - 1);
    return isWaiting;
  }

  /** Adds a completion that is due in any case, because its run belonged to this server. */
  demand(sequence: number, barrier: number): void {
    if (sequence > this.#floor && !this.#sent.has(sequence)) this.#due.set(sequence, barrier);
  }

  /** The next that is due, if all the events that it must follow have left. */
  next(firstWaitingEvent: number): CompletionRow | undefined {
    while (this.#due.size > 0) {
      const sequence = Math.min(...this.#due.keys());
      const row = this.#outbox.pendingAt(this.#clientId, sequence);
      if (row === undefined) {
        this.#pass(sequence);
        continue;
      }
      const first = this.before(row) ?? row;
      return (this.#due.get(sequence) ?? 0) < firstWaitingEvent ? first : undefined;
    }
    return undefined;
  }

  /**
   * The first unsent completion of other servers that must come before a completion of the same
   * session. `own` is the sequence of one of this server's that was looked at before it, if there is one.
   */
  before({ sequence, sessionId }: CompletionRow, own?: number): CompletionRow | undefined {
    // Directly behind it there is no room for another.
    if (own !== undefined && sequence === own + 1 && this.#clear >= own - 1) {
      this.#clear = own;
      return undefined;
    }
    let first: number | undefined;
    for (const other of this.#unsent(sequence - 1)) {
      first ??= other.sequence;
      if (other.sessionId === sessionId)
        return this.#outbox.pendingAt(this.#clientId, other.sequence);
    }
    this.#raiseFloor(first === undefined ? sequence - 1 : first - 1);
    if (first === undefined) this.#clear = Math.max(this.#clear, sequence - 1);
    return undefined;
  }

  /** Whether a completion was sent on this connection. */
  wasSent({ sequence }: { readonly sequence: number }): boolean {
    return sequence <= this.#floor || this.#sent.has(sequence);
  }

  /** A completion of another server is being sent. */
  take({ sequence }: CompletionRow): void {
    this.#pass(sequence);
  }

  /** A completion that is not another server's is being sent. */
  passOwn({ sequence }: CompletionRow): void {
    if (sequence === this.#floor + 1) this.#raiseFloor(sequence);
  }

  #pass(sequence: number): void {
    this.#due.delete(sequence);
    if (sequence > this.#floor) this.#sent.add(sequence);
  }

  /**
   * The unacknowledged completions of other servers, from the floor up to `end`, that were not sent
   * here.
   */
  *#unsent(end: number): Generator<OtherCompletion> {
    if (end <= this.#floor) return;
    for (const other of this.#outbox.ofOthers(this.#clientId, this.#floor, end)) {
      if (!this.#sent.has(other.sequence)) yield other;
    }
  }

  #raiseFloor(floor: number): void {
    if (floor <= this.#floor) return;
    this.#floor = floor;
    for (const sequence of this.#sent) if (sequence <= floor) this.#sent.delete(sequence);
  }
}
