// What a call's own request tells whoever made the call: that bytes still come, also where they are
// no part of the reply. The two know each other by the call's signal.

const listeners = new WeakMap<AbortSignal, () => void>();

/** Calls `onLife` whenever something arrives for the call that has this signal. */
export function listenForLife(signal: AbortSignal, onLife: () => void): void {
  listeners.set(signal, onLife);
}

/** Something has arrived for a call. */
export function tellLife(signal: AbortSignal | null | undefined): void {
  if (signal) listeners.get(signal)?.();
}
