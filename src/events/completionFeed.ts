// Which completion a connection gets next (protocol.md section 5). The disk holds them; this holds a
// place in the order of those that this server wrote, and what was sent of those that others wrote.
import type { RunComplete } from "../protocol/objects/run.js";
import type { CompletionRow, PendingFilter } from "../storage/completionStore.js";
import { type IsDue, LateLane } from "./lateLane.js";
import type { Outbox } from "./outbox.js";
import { Redelivery } from "./redelivery.js";

const maxBarriers = 1024;

/**
 * The completions of one connection: the backlog and what this server writes in order of sequence,
 * what others wrote as it becomes due, and then all again as it falls due again. Of one session none
 * is sent for the first time behind one with a greater sequence.
 */
export class CompletionFeed {
  readonly #outbox: Outbox;
  #filter: PendingFilter;
  #after = 0;
  /** The next in order, kept while it waits for events: a look at the disk each would cost. */
  #fresh: CompletionRow | undefined;
  #mayHaveMore = false;
  #late: LateLane;
  #again: { own: Redelivery; late: Redelivery } | undefined;
  /** By sequence, the event that the completion must follow. */
  readonly #barriers = new Map<number, number>();
  #merged = { upTo: 0, barrier: 0 };

  constructor(outbox: Outbox, clientId: string) {
    this.#outbox = outbox;
    this.#filter = outbox.filter(clientId, 0);
    this.#late = new LateLane(outbox, clientId, 0);
  }

  /**
   * Begins anew for a client that has told its identity: everything unacknowledged, behind every
   * event up to `barrier`, then the rest.
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
  announce(sequence: number, barrier: number): void {
    this.#mayHaveMore = true;
    if (this.#barriers.size >= maxBarriers) {
      this.#barriers.clear();
      this.#merged = { upTo: sequence, barrier };
    } else {
      this.#barriers.set(sequence, barrier);
    }
  }

  /** Another server has committed the completion of a run of this one. */
  announceOfAnother(sequence: number, barrier: number): void {
    this.#late.demand(sequence, barrier);
  }

  /**
   * Looks for what other servers wrote and is due now, behind every event up to `barrier`. Returns
   * whether something is there that is not due yet.
   */
  lookForLate(isDue: IsDue, barrier: number): boolean {
    return this.#late.look(isDue, barrier);
  }

  /** The next completion, if all the events that it must follow have left. */
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
      this.#again?.late.next(now)
    );
  }

  #barrier(sequence: number): number {
    const own = this.#barriers.get(sequence);
    if (own !== undefined) return own;
    return sequence <= this.#merged.upTo ? this.#merged.barrier : 0;
  }

  #peekFresh(): CompletionRow | undefined {
    if (!this.#mayHaveMore) return undefined;
    this.#fresh ??= this.#outbox.peek(this.#filter, this.#after);
    if (this.#fresh === undefined) {
      this.#mayHaveMore = false;
      this.#barriers.clear();
    }
    return this.#fresh;
  }

  /** Counts the delivery of what {@link next} gave; undefined where it is no longer needed. */
  take(row: CompletionRow, now: number): RunComplete | undefined {
    const completion = this.#outbox.deliver(row);
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
      this.#barriers.delete(row.sequence);
      if (wasNeeded) this.#again?.own.sent(row, now);
    } else {
      this.#again?.own.sentAgain(row, now, wasNeeded);
    }
    return completion;
  }

  /** Whether every completion of this server's, and the backlog, was taken up to a sequence. */
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
