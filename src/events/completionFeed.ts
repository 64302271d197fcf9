// Decides which completion a connection gets next (protocol.md section 5). The completions are on
// disk. This remembers how far those of this server were sent, and which of other servers were
// sent.
import type { RunComplete } from "../protocol/objects/run.js";
import type { CompletionRow, PendingFilter } from "../storage/completionStore.js";
import { type IsDue, LateLane } from "./lateLane.js";
import type { Outbox } from "./outbox.js";
import { Redelivery } from "./redelivery.js";

const maxBarriers = 1024;
/** So many completions in a row are kept after they were committed, so that they need not be read. */
const mostAhead = 16;
/** And so much of them, in UTF-16 units. */
const mostAheadUnits = 64 * 1024;

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
  /** Those that come directly behind it, as they were committed. */
  #ahead: CompletionRow[] = [];
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
    this.#ahead = [];
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
    // Where nothing else waits, or little, it is known when its turn comes, and need not be read.
    if (!this.#mayHaveMore && sequence > this.#after) this.#keep(row);
    if (this.#barriers.size >= maxBarriers) {
      this.#barriers.clear();
      this.#merged = { upTo: sequence, barrier };
    } else {
      this.#barriers.set(sequence, barrier);
    }
  }

  #keep(row: CompletionRow): void {
    if (this.#fresh === undefined) this.#fresh = row;
    else if (this.#ahead.length < mostAhead && this.#unitsAhead(row) <= mostAheadUnits) {
      this.#ahead.push(row);
    } else this.#mayHaveMore = true;
  }

  #unitsAhead(row: CompletionRow): number {
    return this.#ahead.reduce((sum, one) => sum + unitsOf(one), unitsOf(row));
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

  /**
   * The completion that comes directly behind `row`, which {@link next} or this gave and which was not taken
   * yet: if it is known without a look at the disk, and all events that it must follow have been sent.
   */
  behind(row: CompletionRow, firstWaitingEvent: number): CompletionRow | undefined {
    const found = this.#directlyBehind(row);
    if (found === undefined || this.#barrier(found.sequence) >= firstWaitingEvent) return undefined;
    return this.#late.before(found, row.sequence) === undefined ? found : undefined;
  }

  #directlyBehind(row: CompletionRow): CompletionRow | undefined {
    if (row === this.#fresh) return this.#ahead[0];
    const at = this.#ahead.indexOf(row);
    return at === -1 ? undefined : this.#ahead[at + 1];
  }

  /**
   * The event that the next completion in order must follow, or the one directly behind `row`; infinite if
   * none is known to wait.
   */
  barrier(row?: CompletionRow): number {
    const next = row === undefined ? this.#fresh : this.#directlyBehind(row);
    return next === undefined ? Number.POSITIVE_INFINITY : this.#barrier(next.sequence);
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
   * Counts the deliveries of the completions that {@link next} and {@link behind} gave, in one commit;
   * undefined for each that is no longer needed. If that cannot be written, none of them is taken.
   */
  take(rows: readonly CompletionRow[], now: number): (RunComplete | undefined)[] {
    const completions = this.#outbox.deliver(rows);
    rows.forEach((row, index) => {
      this.#took(row, now, completions[index] !== undefined);
    });
    return completions;
  }

  #took(row: CompletionRow, now: number, wasNeeded: boolean): void {
    this.#wanted.delete(row.sequence);
    const { serverId, backlogEnd } = this.#filter;
    const isOfAnother = row.serverId !== serverId && row.serverId !== "";
    if (isOfAnother && row.sequence > backlogEnd) {
      if (this.#late.wasSent(row)) this.#again?.late.sentAgain(row, now, wasNeeded);
      else if (wasNeeded) this.#again?.late.sent(row, now);
      this.#late.take(row);
    } else if (row.sequence > this.#after) {
      this.#after = row.sequence;
      this.#fresh = this.#ahead.shift();
      this.#late.passOwn(row);
      this.#barriers.delete(row.sequence);
      if (wasNeeded) this.#again?.own.sent(row, now);
    } else {
      this.#again?.own.sentAgain(row, now, wasNeeded);
    }
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

function unitsOf({ body }: CompletionRow): number {
  return body?.length ?? 0;
}
