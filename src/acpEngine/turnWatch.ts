// Notices that an agent has fallen silent in a turn.
import type { Clock } from "../base/clock.js";
import { IdleWatch } from "../base/idleWatch.js";
import type { Limits } from "../config/types.js";

/** What a watch needs. */
export interface TurnWatchOptions {
  readonly clock: Clock;
  readonly limits: Pick<Limits, "providerIdleSeconds" | "toolSeconds">;
  /** Whether a tool call has begun and not ended: it may take longer. */
  hasOpenCall(): boolean;
  /** Is called once, when nothing has come for too long. */
  onSilent(seconds: number): void;
}

/**
 * Watches one turn. A tool that runs may be silent for longer, a person for as long as he likes, and what
 * has a bound of its own for as long as that.
 */
export class TurnWatch {
  readonly #options: TurnWatchOptions;
  #watch: IdleWatch;
  #lastLife: number;
  #waits = 0;

  /** Begins at once; {@link stop} ends it. */
  constructor(options: TurnWatchOptions) {
    this.#options = options;
    this.#lastLife = options.clock.now();
    this.#watch = this.#wait(options.limits.providerIdleSeconds * 1_000);
  }

  /** The agent has sent something. */
  lives(): void {
    this.#lastLife = this.#options.clock.now();
    this.#watch.touch();
  }

  /** Waits for a person, or for what has a bound of its own. This time does not count. */
  async whileWaiting<T>(wait: () => Promise<T>): Promise<T> {
    this.#waits += 1;
    try {
      return await wait();
    } finally {
      this.#waits -= 1;
      this.lives();
    }
  }

  stop(): void {
    this.#watch.stop();
  }

  #wait(ms: number): IdleWatch {
    return new IdleWatch(this.#options.clock, ms, () => this.#onIdle());
  }

  #onIdle(): void {
    const { limits, clock, hasOpenCall, onSilent } = this.#options;
    const { providerIdleSeconds, toolSeconds } = limits;
    const silentMs = clock.now() - this.#lastLife;
    const allowed = hasOpenCall()
      ? Math.max(providerIdleSeconds, toolSeconds)
      : providerIdleSeconds;
    const leftMs = this.#waits > 0 ? allowed * 1_000 : allowed * 1_000 - silentMs;
    if (leftMs > 0) this.#watch = this.#wait(leftMs);
    else onSilent(Math.round(silentMs / 1_000));
  }
}
