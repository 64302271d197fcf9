// Which completion a connection gets next. The disk holds them; this holds a place in the order.
import type { RunComplete } from "../protocol/objects/run.js";
import type { CompletionRow, PendingFilter } from "../storage/completionStore.js";
import type { Outbox } from "./outbox.js";
import { RedeliverySchedule, type Wave } from "./redeliverySchedule.js";

const maxBarriers = 1024;

/** The completions of one connection, in order of sequence, then again as they fall due. */
export class CompletionFeed {
  readonly #outbox: Outbox;
  #filter: PendingFilter;
  #after = 0;
  /** The next in order, kept while it waits for events: a look at the disk each would cost. */
  #fresh: CompletionRow | undefined;
  #mayHaveMore = false;
  #schedule: RedeliverySchedule | undefined;
  #wave: { wave: Wave; after: number } | undefined;
  /** By sequence, the event that the completion must follow. */
  readonly #barriers = new Map<number, number>();
  #merged = { upTo: 0, barrier: 0 };

  constructor(outbox: Outbox, clientId: string) {
    this.#outbox = outbox;
    this.#filter = outbox.filter(clientId, 0);
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
    this.#wave = undefined;
    this.#merged = { upTo: end, barrier };
    this.#mayHaveMore = count > 0;
    this.#schedule = ackTimeoutMs === undefined ? undefined : new RedeliverySchedule(ackTimeoutMs);
    return { pending: count };
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

  /** The next completion, if all the events that it must follow have left. */
  next(firstWaitingEvent: number, now: number): CompletionRow | undefined {
    const fresh = this.#peekFresh();
    if (fresh !== undefined) {
      return this.#barrier(fresh.sequence) < firstWaitingEvent ? fresh : undefined;
    }
    return this.#peekDue(now);
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

  #peekDue(now: number): CompletionRow | undefined {
    while (this.#schedule !== undefined) {
      if (this.#wave === undefined) {
        const wave = this.#schedule.takeDue(now);
        if (wave === undefined) return undefined;
        this.#wave = { wave, after: wave.from - 1 };
      }
      const row = this.#outbox.peek(this.#filter, this.#wave.after, this.#wave.wave.to);
      if (row !== undefined) return row;
      this.#wave = undefined;
    }
    return undefined;
  }

  /** Counts the delivery of what {@link next} gave; undefined where it is no longer needed. */
  take(row: CompletionRow, now: number): RunComplete | undefined {
    const completion = this.#outbox.deliver(row);
    const wave = this.#wave;
    if (row.sequence > this.#after) {
      this.#after = row.sequence;
      this.#fresh = undefined;
      this.#barriers.delete(row.sequence);
      if (completion !== undefined) this.#schedule?.sent(row.sequence, now);
    } else if (wave !== undefined) {
      wave.after = row.sequence;
      if (completion !== undefined) this.#schedule?.sent(row.sequence, now, wave.wave);
    }
    return completion;
  }

  /** When something is next due to be sent again. */
  get nextDueAt(): number | undefined {
    return this.#schedule?.nextDueAt;
  }
}
