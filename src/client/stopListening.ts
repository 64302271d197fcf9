/**
 * Stops a listener. It can be called, it has the `dispose` that editors call, and `using` disposes it
 * where the runtime has that. Stopping twice is harmless.
 */
export interface StopListening extends Disposable {
  (): void;
  dispose(): void;
}

/** Makes one from what stops the listener. */
export function stopListening(stop: () => void): StopListening {
  const call = () => stop();
  return Object.assign(call, { dispose: call, [Symbol.dispose]: call });
}
