/** A run that a caller waits for: its completion, its events, and a way to cancel it. */
import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent } from "../protocol/registry.js";
import { EventStream } from "./eventStream.js";

/**
 * What {@link TurnwireClient.run} returns. It can be awaited like the promise of the completion.
 */
export interface Run extends Promise<RunComplete> {
  /** The id that was given, or a new one. */
  readonly runId: string;
  /**
   * The events that carry this run's id, from the first use of this property on. The loop over them
   * ends when the run ends, also when it fails: look at `completion`. It holds 1,024 events for a slow
   * reader, and reports with `eventsDropped` how many were lost.
   */
  readonly events: AsyncIterableIterator<LossyEvent>;
  /** Resolves with the completion, and rejects as {@link TurnwireClient.run} says. */
  readonly completion: Promise<RunComplete>;
  /**
   * Cancels the run, like an abort of `signal`. The completion still comes and tells how the
   * run ended. Harmless if the run has ended already.
   */
  cancel(): void;
}

const eventLimit = 1024;

/** A {@link Run}, for its owner. */
export class RunHandle implements Run {
  readonly [Symbol.toStringTag] = "Run";
  readonly runId: string;
  readonly completion: Promise<RunComplete>;
  readonly #cancelling = new AbortController();
  #events: EventStream | undefined;
  #hasEnded = false;

  /** `begin` runs it; its `signal` is aborted by `cancel`. */
  constructor(
    runId: string,
    begin: (handle: RunHandle, signal: AbortSignal) => Promise<RunComplete>,
  ) {
    this.runId = runId;
    this.completion = begin(this, this.#cancelling.signal);
    const end = () => this.endEvents();
    this.completion.then(end, end);
  }

  get events(): AsyncIterableIterator<LossyEvent> {
    if (this.#events === undefined) {
      this.#events = new EventStream(eventLimit, () => {});
      if (this.#hasEnded) this.#events.end();
      // A reader of the events may look at the completion only after the events have ended.
      this.completion.catch(() => {});
    }
    return this.#events;
  }

  cancel(): void {
    this.#cancelling.abort();
  }

  /** Hands an event to the readers. */
  push(event: LossyEvent): void {
    this.#events?.push(event);
  }

  /** Ends the events. */
  endEvents(): void {
    this.#hasEnded = true;
    this.#events?.end();
  }

  // biome-ignore lint/suspicious/noThenProperty: a run can be awaited.
  then<A = RunComplete, B = never>(
    onResolved?: ((completion: RunComplete) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.completion.then(onResolved, onRejected);
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<RunComplete | B> {
    return this.completion.catch(onRejected);
  }

  finally(onEnded?: (() => void) | null): Promise<RunComplete> {
    return this.completion.finally(onEnded);
  }
}
