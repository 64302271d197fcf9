/**
 * Redirects what `fs` is asked to write to one file descriptor to a log sink. This also works for
 * code that imports the functions by name from an ES module.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import type { LogSink } from "./logSink.js";

type AnyFunction = (...args: unknown[]) => unknown;

/** Redirects until the returned function is called. */
export function redirectFileDescriptor(descriptor: number, sink: LogSink): () => void {
  const take = (data: Uint8Array): number => {
    sink.write(data);
    return data.length;
  };
  const replacements: Record<string, AnyFunction> = {
    writeSync: (_fd, ...args) => take(bytesOfWrite(args)),
    write: (_fd, ...args) => callBack(args, take(bytesOfWrite(args)), args[0]),
    writevSync: (_fd, buffers) => take(joined(buffers)),
    writev: (_fd, ...args) => callBack(args, take(joined(args[0])), args[0]),
    writeFileSync: (_fd, ...args) => void take(bytesOfFile(args)),
    appendFileSync: (_fd, ...args) => void take(bytesOfFile(args)),
  };
  const undo = Object.entries(replacements).map(([name, replacement]) =>
    replaceFor(descriptor, name, replacement),
  );
  syncBuiltinESMExports();
  return () => {
    for (const step of undo) step();
    syncBuiltinESMExports();
  };
}

/** Replaces `fs[name]` for calls whose first argument is the descriptor. */
function replaceFor(descriptor: number, name: string, replacement: AnyFunction): () => void {
  const original: unknown = Reflect.get(fs, name);
  if (typeof original !== "function") return () => {};
  const replaced = function (this: unknown, ...args: unknown[]): unknown {
    return args[0] === descriptor ? replacement(...args) : Reflect.apply(original, this, args);
  };
  // `util.promisify` finds how to treat these functions in their own properties.
  Object.defineProperties(replaced, Object.getOwnPropertyDescriptors(original));
  Reflect.set(fs, name, replaced);
  return () => void Reflect.set(fs, name, original);
}

/** The bytes of `(buffer, offset?, length?)`, `(buffer, {offset, length})` or `(string, position?, encoding?)`. */
function bytesOfWrite([data, second, third]: unknown[]): Uint8Array {
  if (!(data instanceof Uint8Array)) return bytesOf(data, third);
  const { offset, length } =
    typeof second === "object" && second !== null
      ? { offset: Reflect.get(second, "offset"), length: Reflect.get(second, "length") }
      : { offset: second, length: third };
  const start = typeof offset === "number" ? offset : 0;
  return data.subarray(start, typeof length === "number" ? start + length : undefined);
}

function bytesOfFile([data, options]: unknown[]): Uint8Array {
  const isObject = typeof options === "object" && options !== null;
  return bytesOf(data, isObject ? Reflect.get(options, "encoding") : options);
}

function joined(buffers: unknown): Uint8Array {
  return Buffer.concat(Array.isArray(buffers) ? buffers.map((part) => bytesOf(part)) : []);
}

function bytesOf(data: unknown, encoding?: unknown): Uint8Array {
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const isKnown = typeof encoding === "string" && Buffer.isEncoding(encoding);
  return Buffer.from(String(data), isKnown ? encoding : "utf8");
}

/** Calls the callback, the last argument, as `fs.write` does. */
function callBack(args: unknown[], written: number, data: unknown): void {
  const callback = args.at(-1);
  if (typeof callback === "function") setImmediate(() => callback(null, written, data));
}
