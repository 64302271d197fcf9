/**
 * Redirects what is written to a stream by `write` and `end` to a log sink. Code that took these
 * methods earlier can still use them.
 */
import type { Writable } from "node:stream";
import type { LogSink } from "./logSink.js";

type WriteCallback = (error?: Error | null) => void;

/** Redirects until the returned function is called. */
export function divertWrites(stream: Writable, sink: LogSink): () => void {
  const divert = (...args: unknown[]): void => {
    const [chunk] = args;
    const encoding = typeof args[1] === "string" ? args[1] : undefined;
    if (typeof chunk === "string" && encoding !== undefined && Buffer.isEncoding(encoding)) {
      sink.write(Buffer.from(chunk, encoding));
    } else if (typeof chunk === "string" || chunk instanceof Uint8Array) {
      sink.write(chunk);
    }
    const callback = args.find((arg): arg is WriteCallback => typeof arg === "function");
    if (callback !== undefined) queueMicrotask(() => callback());
  };
  const replacements = {
    write: (...args: unknown[]) => {
      divert(...args);
      return true;
    },
    end: (...args: unknown[]) => {
      divert(...args);
      return stream;
    },
  };
  const before = Object.keys(replacements).map(
    (name) => [name, Object.getOwnPropertyDescriptor(stream, name)] as const,
  );
  Object.assign(stream, replacements);
  return () => {
    for (const [name, descriptor] of before) {
      Reflect.deleteProperty(stream, name);
      if (descriptor !== undefined) Object.defineProperty(stream, name, descriptor);
    }
  };
}
