// When to send an unacknowledged completion again (protocol.md section 5, `ackTimeoutMs`).
// Completions that were sent within a short time form one wave. So the memory does not grow with
// the length of the backlog.

/** The longest wait between two deliveries, in milliseconds. */
export const maxWaitMs = 5 * 60_000;
const maxWaves = 64;

/**
 * A range of sequences that were sent at about the same time, with the same wait before the next
 * delivery.
 */
export interface Wave {
  readonly from: number;
  to: number;
  readonly openedAt: number;
  dueAt: number;
  readonly waitMs: number;
}

/** The waves that are in flight on one connection. */
export class RedeliverySchedule {
  readonly #ackTimeoutMs: number;
  #waves: Wave[] = [];

  constructor(ackTimeoutMs: number) {
    this.#ackTimeoutMs = ackTimeoutMs;
  }

  /** Notes that a completion was sent; `after` is the wave that it was sent again for. */
  sent(sequence: number, now: number, after?: Wave): void {
    const waitMs = after === undefined ? this.#ackTimeoutMs : longer(after.waitMs);
    const last = this.#waves.at(-1);
    const isSameWave =
      last !== undefined &&
      last.waitMs === waitMs &&
      last.to < sequence &&
      now - last.openedAt <= waitMs / 8;
    if (isSameWave) {
      last.to = sequence;
      last.dueAt = now + waitMs;
    } else {
      this.#waves.push({
        from: sequence,
        to: sequence,
        openedAt: now,
        dueAt: now + waitMs,
        waitMs,
      });
      if (this.#waves.length > maxWaves) this.#mergeOldest();
    }
  }

  #mergeOldest(): void {
    const [first, second, ...rest] = this.#waves;
    if (first === undefined || second === undefined) return;
    const merged: Wave = {
      from: Math.min(first.from, second.from),
      to: Math.max(first.to, second.to),
      openedAt: second.openedAt,
      dueAt: Math.max(first.dueAt, second.dueAt),
      waitMs: Math.max(first.waitMs, second.waitMs),
    };
    this.#waves = [merged, ...rest];
  }

  /** Removes and returns a wave that is due. */
  takeDue(now: number): Wave | undefined {
    const index = this.#waves.findIndex((wave) => wave.dueAt <= now);
    return index < 0 ? undefined : this.#waves.splice(index, 1)[0];
  }

  /** When the next wave is due. */
  get nextDueAt(): number | undefined {
    return this.#waves.length === 0 ? undefined : Math.min(...this.#waves.map((w) => w.dueAt));
  }
}

/**
 * The wait is doubled up to the limit. A client that asked for a longer wait than the limit keeps
 * it.
 */
function longer(waitMs: number): number {
  return Math.max(waitMs, Math.min(waitMs * 2, maxWaitMs));
}
