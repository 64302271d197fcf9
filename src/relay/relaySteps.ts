// What a relay does after each round: a pure function, so that its states can be tried in every order
// (docs/fleet.md).
import { assertNever } from "../base/assertNever.js";
import { type BackOff, waitAfter } from "../base/backOff.js";
import type { Delivered, Refusal } from "./sink.js";

/** Where a relay stands. */
export interface RelayState {
  /** Everything up to this sequence is confirmed or set aside. */
  readonly cursor: number;
  /** How often the completion behind the cursor was refused, and since when. */
  readonly refusals: number;
  readonly refusedSince: number | undefined;
  /** Why nothing gets on. */
  readonly trouble: string | undefined;
  readonly isStopped: boolean;
  /** How many rounds in a row brought nothing. It is not stored. */
  readonly failures: number;
  /** How many bytes the completion behind the cursor may have at most. It is not stored. */
  readonly mostBytes: number | undefined;
}

/** A completion of a round. */
export interface Sent {
  readonly sequence: number;
  readonly completionId: string;
  readonly bytes: number;
}

/** What comes after a round. */
export interface RelayStep {
  readonly state: RelayState;
  /** The completion that is set aside. */
  readonly aside?: Sent & { readonly reason: string };
  /** When the next round begins, in milliseconds; undefined: when there is more, or it is asked for. */
  readonly nextMs: number | undefined;
}

const retries: BackOff = { firstMs: 1000, mostMs: 60_000 };
/** How long a place may ask to be left alone. */
const longestWaitMs = 60 * 60_000;
/** What is refused for good is tried so often, over so long. */
const mostRefusals = 5;
const refusedForMs = 10 * 60_000;
/** The waits between those tries; together they are {@link refusedForMs}. */
const betweenRefusalsMs = [15_000, 60_000, 165_000, 360_000];
/** Below this, nothing of a completion is left. */
const fewestBytes = 512;

/** The state after the completions of a round were sent, or not; `sent` is not empty. */
export function afterRound(
  state: RelayState,
  sent: readonly Sent[],
  { confirmed, refusal }: Delivered,
  now: number,
): RelayStep {
  const last = sent[confirmed - 1];
  const moved: RelayState =
    last === undefined ? state : { ...fresh(state, last.sequence), isStopped: state.isStopped };
  const head = sent[confirmed];
  if (refusal === undefined || head === undefined) return { state: moved, nextMs: 0 };
  return afterRefusal(moved, head, refusal, now);
}

/** Nothing stands in the way of what follows `cursor`. */
function fresh(state: RelayState, cursor: number): RelayState {
  return {
    ...state,
    cursor,
    refusals: 0,
    refusedSince: undefined,
    trouble: undefined,
    failures: 0,
    mostBytes: undefined,
  };
}

function afterRefusal(state: RelayState, head: Sent, refusal: Refusal, now: number): RelayStep {
  switch (refusal.kind) {
    case "again":
      return { state, nextMs: 0 };
    case "wait": {
      const failures = state.failures + 1;
      const asked = Math.min(refusal.afterMs ?? 0, longestWaitMs);
      return {
        state: { ...state, failures, trouble: refusal.reason },
        nextMs: Math.max(asked, waitAfter(failures, retries)),
      };
    }
    case "tooLarge": {
      // Each is shorter than the one before, so that this comes to an end.
      const known = refusal.mostBytes ?? head.bytes;
      const mostBytes = known < head.bytes ? known : Math.floor(head.bytes / 2);
      if (mostBytes < fewestBytes) return afterRefused(state, head, refusal.reason, now);
      return { state: { ...state, mostBytes }, nextMs: 0 };
    }
    case "refused":
      return afterRefused(state, head, refusal.reason, now);
    case "stop":
      return {
        state: { ...state, isStopped: true, trouble: refusal.reason },
        nextMs: undefined,
      };
    default:
      return assertNever(refusal);
  }
}

/** Also where it does not fit, however short. */
export function afterRefused(
  state: RelayState,
  head: Sent,
  reason: string,
  now: number,
): RelayStep {
  const refusals = state.refusals + 1;
  // A clock that was set back counts as one that stands still.
  const refusedSince = Math.min(state.refusedSince ?? now, now);
  if (refusals >= mostRefusals && now - refusedSince >= refusedForMs) {
    return { state: fresh(state, head.sequence), aside: { ...head, reason }, nextMs: 0 };
  }
  const planned = betweenRefusalsMs[refusals - 1] ?? betweenRefusalsMs.at(-1) ?? 0;
  return {
    state: { ...state, refusals, refusedSince, trouble: reason },
    nextMs: planned,
  };
}
