// The seam between a relay and the place to which it carries completions (docs/fleet.md).
import type { RelayedEvent } from "./relayedEvent.js";

/** Why a message was not confirmed. A reason is fit for a log: it has no secret in it. */
export type Refusal =
  /** Not now: the place is away, full, slow, or does not let us in. */
  | { readonly kind: "wait"; readonly reason: string; readonly afterMs?: number }
  /** At once again: an order that was to be kept was not, and nothing was taken. */
  | { readonly kind: "again" }
  /** Not as long as it is; `mostBytes` is the longest message, where that is known. */
  | { readonly kind: "tooLarge"; readonly reason: string; readonly mostBytes?: number }
  /** Not this one, however often it comes. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Nothing more, ever. */
  | { readonly kind: "stop"; readonly reason: string };

/** What became of some messages: the first `confirmed` are safe, and the next one was not taken. */
export interface Delivered {
  readonly confirmed: number;
  /** Undefined where all were confirmed. */
  readonly refusal?: Refusal;
}

/** A place that takes completions. */
export interface Sink {
  /** How many messages it takes at a time. */
  readonly batch: number;
  /**
   * Sends messages in this order; a later one is never taken without all that come before it. Never
   * rejects, and comes back within a minute, also where the other side is silent, and at once where
   * `signal` is aborted: then what was under way may have been taken or not.
   */
  deliver(events: readonly RelayedEvent[], signal: AbortSignal): Promise<Delivered>;
  /** Closes its connections. Never rejects. */
  close(): Promise<void>;
}
