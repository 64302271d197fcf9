/**
 * Stops a listener: call it, or call its `dispose` as editors do. `using` disposes it, if the runtime
 * supports that. Stopping twice is harmless.
 */
export interface StopListening extends Disposable {
  (): void;
  dispose(): void;
}

/** Makes one from the function that stops the listener. */
export function stopListening(stop: () => void): StopListening {
  const call = () => stop();
  return Object.assign(call, { dispose: call, [Symbol.dispose]: call });
}
