// Decides which completion a connection gets next (protocol.md section 5). The completions are on
// disk. This remembers how far those of this server were sent, and which of other servers were
// sent.
import type { RunComplete } from "../protocol/objects/run.js";
import type { CompletionRow, PendingFilter } from "../storage/completionStore.js";
import { type IsDue, LateLane } from "./lateLane.js";
import type { Outbox } from "./outbox.js";
import { Redelivery } from "./redelivery.js";

const maxBarriers = 1024;

/**
 * The completions of one connection. The backlog and the completions of this server come in order
 * of sequence. Those of other servers come as they become due. Each one comes again when it is due
 * for redelivery. Within a session, the first deliveries are in order of sequence.
 */
export class CompletionFeed {
  readonly #outbox: Outbox;
  #filter: PendingFilter;
  #after = 0;
  /**
   * The next in order, kept while it waits for events. Otherwise each event would cost a read from
   * the disk.
   */
  #fresh: CompletionRow | undefined;
  #mayHaveMore = false;
  #late: LateLane;
  #again: { own: Redelivery; late: Redelivery } | undefined;
  /** Sequences that somebody wants to be sent once more. */
  readonly #wanted = new Set<number>();
  /** For each sequence, the event that the completion must follow. */
  readonly #barriers = new Map<number, number>();
  #merged = { upTo: 0, barrier: 0 };

  constructor(outbox: Outbox, clientId: string) {
    this.#outbox = outbox;
    this.#filter = outbox.filter(clientId, 0);
    this.#late = new LateLane(outbox, clientId, 0);
  }

  /**
   * Begins again for a client that has given its identity: first everything that is unacknowledged,
   * after all events up to `barrier`, then the rest.
   */
  restart(
    clientId: string,
    ackTimeoutMs: number | undefined,
    barrier: number,
  ): { pending: number } {
    const { count, end } = this.#outbox.backlog(clientId);
    this.#filter = this.#outbox.filter(clientId, end);
    this.#after = 0;
    this.#fresh = undefined;
    this.#merged = { upTo: end, barrier };
    this.#mayHaveMore = count > 0;
    this.#late = new LateLane(this.#outbox, clientId, end);
    this.#again = ackTimeoutMs === undefined ? undefined : this.#redeliveries(ackTimeoutMs);
    return { pending: count };
  }

  #redeliveries(ackTimeoutMs: number): { own: Redelivery; late: Redelivery } {
    const own = (after: number, upTo: number) => this.#outbox.peek(this.#filter, after, upTo);
    const late = (after: number, upTo: number) => {
      const { clientId, backlogEnd } = this.#filter;
      const from = Math.max(after, backlogEnd);
      for (const other of this.#outbox.ofOthers(clientId, from, upTo)) {
        if (this.#late.wasSent(other)) return this.#outbox.pendingAt(clientId, other.sequence);
      }
      return undefined;
    };
    return { own: new Redelivery(ackTimeoutMs, own), late: new Redelivery(ackTimeoutMs, late) };
  }

  /** A completion was committed; it follows every event up to `barrier`. */
  announce(row: CompletionRow, barrier: number): void {
    const { sequence } = row;
    // Where nothing else waits it is the next, and need not be read.
    if (this.#mayHaveMore || this.#fresh !== undefined) this.#mayHaveMore = true;
    else if (sequence > this.#after) this.#fresh = row;
    if (this.#barriers.size >= maxBarriers) {
      this.#barriers.clear();
      this.#merged = { upTo: sequence, barrier };
    } else {
      this.#barriers.set(sequence, barrier);
    }
  }

  /** Sends a completion once more, though it is not due; one that was not sent yet comes anyway. */
  again(sequence: number): void {
    this.#wanted.add(sequence);
  }

  #nextWanted(): CompletionRow | undefined {
    for (const sequence of this.#wanted) {
      const row = this.#outbox.pendingAt(this.#filter.clientId, sequence);
      if (row !== undefined) return row;
      this.#wanted.delete(sequence);
    }
    return undefined;
  }

  /** Another server has committed the completion of a run of this one. */
  announceOfAnother(sequence: number, barrier: number): void {
    this.#late.demand(sequence, barrier);
  }

  /**
   * Looks for completions of other servers that are due now; they follow all events up to
   * `barrier`. Returns whether there are some that are not due yet.
   */
  lookForLate(isDue: IsDue, barrier: number): boolean {
    return this.#late.look(isDue, barrier);
  }

  /** The next completion, if all events that it must follow have been sent. */
  next(firstWaitingEvent: number, now: number): CompletionRow | undefined {
    const fresh = this.#peekFresh();
    if (fresh !== undefined) {
      if (this.#barrier(fresh.sequence) >= firstWaitingEvent) return undefined;
      const isOfBacklog = fresh.sequence <= this.#filter.backlogEnd;
      return (isOfBacklog ? undefined : this.#late.before(fresh)) ?? fresh;
    }
    return (
      this.#late.next(firstWaitingEvent) ??
      this.#again?.own.next(now) ??
      this.#again?.late.next(now) ??
      this.#nextWanted()
    );
  }

  /** The event that the next completion in order must follow; infinite if none is known to wait. */
  get barrier(): number {
    return this.#fresh === undefined
      ? Number.POSITIVE_INFINITY
      : this.#barrier(this.#fresh.sequence);
  }

  #barrier(sequence: number): number {
    const own = this.#barriers.get(sequence);
    if (own !== undefined) return own;
    return sequence <= this.#merged.upTo ? this.#merged.barrier : 0;
  }

  #peekFresh(): CompletionRow | undefined {
    if (this.#fresh !== undefined || !this.#mayHaveMore) return this.#fresh;
    this.#fresh = this.#outbox.peek(this.#filter, this.#after);
    if (this.#fresh === undefined) {
      this.#mayHaveMore = false;
      this.#barriers.clear();
    }
    return this.#fresh;
  }

  /**
   * Counts the delivery of the completion that {@link next} gave; undefined if it is no longer
   * needed.
   */
  take(row: CompletionRow, now: number): RunComplete | undefined {
    const completion = this.#outbox.deliver(row);
    this.#wanted.delete(row.sequence);
    const wasNeeded = completion !== undefined;
    const { serverId, backlogEnd } = this.#filter;
    const isOfAnother = row.serverId !== serverId && row.serverId !== "";
    if (isOfAnother && row.sequence > backlogEnd) {
      if (this.#late.wasSent(row)) this.#again?.late.sentAgain(row, now, wasNeeded);
      else if (wasNeeded) this.#again?.late.sent(row, now);
      this.#late.take(row);
    } else if (row.sequence > this.#after) {
      this.#after = row.sequence;
      this.#fresh = undefined;
      this.#late.passOwn(row);
      this.#barriers.delete(row.sequence);
      if (wasNeeded) this.#again?.own.sent(row, now);
    } else {
      this.#again?.own.sentAgain(row, now, wasNeeded);
    }
    return completion;
  }

  /** Whether the backlog and all completions of this server were taken up to a sequence. */
  hasTaken(sequence: number): boolean {
    return this.#after >= sequence || this.#peekFresh() === undefined;
  }

  /** When something is next due to be sent again. */
  get nextDueAt(): number | undefined {
    const own = this.#again?.own.nextDueAt;
    const late = this.#again?.late.nextDueAt;
    return own === undefined || late === undefined ? (own ?? late) : Math.min(own, late);
  }
}
