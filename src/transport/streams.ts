/**
 * The two streams of a channel: only the members that are used. Declarations with Node's own
 * classes would force every user of `turnwire/client` to install the types of Node. The `Readable`
 * and `Writable` of `node:stream` fit these types.
 */

/** The stream that bytes are read from. */
export interface ByteInput {
  on(event: "data", listener: (chunk: Uint8Array | string) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "data", listener: (chunk: Uint8Array | string) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** The stream that bytes are written to. */
export interface ByteOutput {
  on(event: "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  write(bytes: Uint8Array | string, callback: (error?: Error | null) => void): unknown;
  end(): unknown;
  destroy(): unknown;
}
