// A call and its own HTTP request tell each other two things: that bytes still arrive, also if they are
// no part of the reply, and how long there may be none. The call's signal connects the two.

interface CallLife {
  onLife(): void;
  readonly silenceMs: number;
}

const calls = new WeakMap<AbortSignal, CallLife>();

/**
 * Calls `onLife` each time when something arrives for the call that has this signal, until the returned
 * function is called. Node may keep the signal of a request for ever, and with it whatever listens.
 *
 * @param silenceMs for how many milliseconds nothing may arrive. The caller ends the call after that.
 */
export function listenForLife(
  signal: AbortSignal,
  silenceMs: number,
  onLife: () => void,
): () => void {
  calls.set(signal, { onLife, silenceMs });
  return () => calls.delete(signal);
}

/** Something has arrived for a call. */
export function tellLife(signal: AbortSignal | null | undefined): void {
  if (signal) calls.get(signal)?.onLife();
}

/** How long nothing may arrive for a call, in milliseconds; undefined where nobody watches. */
export function allowedSilence(signal: AbortSignal | null | undefined): number | undefined {
  return signal ? calls.get(signal)?.silenceMs : undefined;
}
