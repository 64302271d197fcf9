/**
 * The two streams of a channel, by what is used of them: a declaration that names Node's own classes
 * would ask every user of `turnwire/client` for the types of Node. What `node:stream` calls
 * `Readable` and `Writable` are such streams.
 */

/** What bytes come from. */
export interface ByteInput {
  on(event: "data", listener: (chunk: Uint8Array | string) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "data", listener: (chunk: Uint8Array | string) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** What bytes go to. */
export interface ByteOutput {
  on(event: "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  write(bytes: Uint8Array | string, callback: (error?: Error | null) => void): unknown;
  end(): unknown;
  destroy(): unknown;
}
