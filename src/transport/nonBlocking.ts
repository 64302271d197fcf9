/**
 * Makes writing to a standard stream never block the event loop. Measured: Node writes to pipes and
 * sockets asynchronously on POSIX, but synchronously to a terminal (a terminal that is not read
 * stops the process) and, on Windows, to pipes. libuv can be told otherwise; Node offers no public
 * way, so this asks the stream's handle and leaves a stream without one (a file) as it is.
 */
import type { Writable } from "node:stream";

/** Returns whether the stream was changed. */
export function makeNonBlocking(stream: Writable): boolean {
  const handle: unknown = Reflect.get(stream, "_handle");
  if (typeof handle !== "object" || handle === null) return false;
  const setBlocking: unknown = Reflect.get(handle, "setBlocking");
  if (typeof setBlocking !== "function") return false;
  return Reflect.apply(setBlocking, handle, [false]) === 0;
}
