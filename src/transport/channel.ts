/**
 * A JSON-RPC 2.0 connection over two streams, for both sides (protocol.md section 1).
 *
 * What it adds to vscode-jsonrpc: every message gets the answer that the specification asks for,
 * ids come back as they were sent, nothing is read or held without a bound, the end of the input is
 * told once and fails our own open requests, and `dispose` cancels the handlers that still run.
 */
import { createMessageConnection, type Logger, type MessageConnection } from "vscode-jsonrpc/node";
import { Deferred } from "../base/deferred.js";
import type { Log } from "../base/log.js";
import type { Framing } from "./framing.js";
import { InboundRequests } from "./inboundRequests.js";
import { OutgoingRequests } from "./outgoingRequests.js";
import { ChannelReader } from "./reader.js";
import type { ByteInput, ByteOutput } from "./streams.js";
import { ChannelWriter } from "./writer.js";

/** The size, in bytes, over which a message is skipped, unless told otherwise. */
const defaultMaxMessageBytes = 64 * 1024 * 1024;

export interface ChannelOptions {
  input: ByteInput;
  output: ByteOutput;
  /** With `auto` nothing is written before the first byte has come. */
  framing: Framing | "auto";
  log: Log;
  maxMessageBytes?: number;
  /**
   * Bytes sent but not taken by the other side, over which nothing more is read from it; as much as
   * `maxMessageBytes` unless told. Give `Infinity` where we must always read: two sides that both
   * wait would wait for ever, so of a client and a server only the server may.
   */
  maxUnsentBytes?: number;
}

/** How a channel ended: the input's end, a failure of either stream, or our own `dispose`. */
export type ChannelEnd =
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly error: Error }
  | { readonly kind: "disposed" };

export interface Channel {
  /**
   * Register handlers, then call `listen()`. Its `onClose` tells of the output alone: for the other
   * side's going away use {@link Channel.closed}.
   */
  readonly connection: MessageConnection;
  /**
   * Settles once and never rejects. After the input's end handlers go on, and what they answer is
   * still written while the output is open; our own requests, open and new, are rejected.
   */
  readonly closed: Promise<ChannelEnd>;
  /**
   * Calls `run` when the response whose `result` is this very object has gone to the output, or the
   * batch it is in: what `run` sends comes directly behind it. Not called if writing is impossible.
   */
  afterWritten(result: object, run: () => void): void;
  /** Resolves when the output has taken, or refused, all that was sent until now. */
  flushed(): Promise<void>;
  /** Cancels running handlers, rejects our own open requests, reads and writes no more. */
  dispose(): void;
}

/** Opens a channel; it reads nothing before `connection.listen()`. */
export function openChannel(options: ChannelOptions): Channel {
  const { input, output, framing, log } = options;
  const maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const maxUnsentBytes = options.maxUnsentBytes ?? maxMessageBytes;
  const inbound = new InboundRequests();
  const outgoing = new OutgoingRequests();
  const writer = new ChannelWriter({ output, inbound, outgoing, log });
  if (framing !== "auto") writer.setFraming(framing);
  const reader = new ChannelReader({
    input,
    framing,
    maxMessageBytes,
    maxUnsentBytes,
    inbound,
    outgoing,
    writer,
    log,
  });
  const connection = createMessageConnection(reader, writer, loggerOver(log, writer), {
    messageStrategy: reader.strategy,
  });
  const closed = new Deferred<ChannelEnd>();
  reader.ended.then(({ error }) =>
    closed.resolve(error === undefined ? { kind: "end" } : { kind: "error", error }),
  );
  writer.onClose(() => {
    reader.stop();
    reader.failOutgoing();
    closed.resolve({ kind: "error", error: writer.failure ?? new Error("the output is closed") });
  });
  return {
    connection,
    closed: closed.promise,
    afterWritten: (result, run) => writer.afterWritten(result, run),
    flushed: () => writer.flushed(),
    dispose() {
      reader.cancelAll();
      connection.dispose();
      closed.resolve({ kind: "disposed" });
    },
  };
}

/** What the library logs; once the output is gone it complains of each answer, which is no news. */
function loggerOver(log: Log, writer: ChannelWriter): Logger {
  return {
    error: (message) => {
      if (writer.failure === undefined) log.error({}, message);
      else log.debug({}, message);
    },
    warn: (message) => log.warn({}, message),
    info: (message) => log.info({}, message),
    log: (message) => log.debug({}, message),
  };
}
