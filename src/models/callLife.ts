// A call's HTTP request tells the caller that bytes still arrive, also if they are no part of the
// reply. The call's signal connects the two.

const listeners = new WeakMap<AbortSignal, () => void>();

/** Calls `onLife` each time when something arrives for the call that has this signal. */
export function listenForLife(signal: AbortSignal, onLife: () => void): void {
  listeners.set(signal, onLife);
}

/** Something has arrived for a call. */
export function tellLife(signal: AbortSignal | null | undefined): void {
  if (signal) listeners.get(signal)?.();
}
