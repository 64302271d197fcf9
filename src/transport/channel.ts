/**
 * A JSON-RPC 2.0 connection over two streams, for both sides (protocol.md section 1).
 *
 * What it adds to vscode-jsonrpc: every message gets the answer that the specification requires;
 * ids come back as they were sent; nothing is read or held without a bound; the end of the input is
 * reported once and fails our own open requests; and `dispose` cancels the handlers that still run.
 */
import { createMessageConnection, type Logger, type MessageConnection } from "vscode-jsonrpc/node";
import type { ChannelLoad } from "../base/clientLoad.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import type { Log } from "../base/log.js";
import type { ChannelTap, ChannelWatch } from "./channelWatch.js";
import type { Framing } from "./framing.js";
import { InboundRequests } from "./inboundRequests.js";
import { OutgoingRequests } from "./outgoingRequests.js";
import { ChannelReader } from "./reader.js";
import type { ByteInput, ByteOutput } from "./streams.js";
import { ChannelWriter } from "./writer.js";

/** The default for the size, in bytes, over which a message is skipped. */
const defaultMaxMessageBytes = 64 * 1024 * 1024;

export interface ChannelOptions {
  input: ByteInput;
  output: ByteOutput;
  /** With `auto` nothing is written before the first byte has arrived. */
  framing: Framing | "auto";
  log: Log;
  maxMessageBytes?: number;
  /**
   * When the other side has left more than this many sent bytes unread, nothing more is read from
   * it. The default is `maxMessageBytes`. Give `Infinity` on a side that must always read: if both
   * sides waited, they would wait forever, so only the server may wait.
   */
  maxUnsentBytes?: number;
  /** Who may look at what goes through. */
  watch?: ChannelWatch;
}

/** How a channel ended: by the input's end, by a failure of a stream, or by our own `dispose`. */
export type ChannelEnd =
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly error: Error }
  | { readonly kind: "disposed" };

export interface Channel {
  /**
   * Register handlers, then call `listen()`. Its `onClose` is only about the output. To learn that
   * the other side is gone, use {@link Channel.closed}.
   */
  readonly connection: MessageConnection;
  /**
   * Settles once and never rejects. After the input's end, handlers go on, and their answers are
   * written while the output is open. Our own requests, open and new, are rejected.
   */
  readonly closed: Promise<ChannelEnd>;
  /**
   * Calls `run` when the response whose `result` is this object, or its batch, has gone to the
   * output. What `run` sends comes directly after it. `run` is not called if nothing can be
   * written.
   */
  afterWritten(result: object, run: () => void): void;
  /** The place for a listener; without one nothing is done for a message. */
  readonly tap: ChannelTap;
  /** Runs `send`. What it sends goes to the output in one write. */
  together(send: () => void): void;
  /** What waits here at this moment. */
  load(): ChannelLoad;
  /** Resolves when the output has taken or refused everything that was sent until now. */
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
  const { watch } = options;
  const tap: ChannelTap = {};
  const writer = new ChannelWriter({ output, inbound, outgoing, log, tap, ...defined({ watch }) });
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
    tap,
    ...defined({ watch }),
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
    tap,
    together: (send) => writer.together(send),
    load: () => ({
      pipe: watch?.pipe ?? "",
      unread: writer.unsentLength,
      received: reader.undispatched,
    }),
    flushed: () => writer.flushed(),
    dispose() {
      reader.cancelAll();
      connection.dispose();
      closed.resolve({ kind: "disposed" });
    },
  };
}

/**
 * Passes on what the library logs. When the output is gone, the library complains about each
 * answer; that is left out.
 */
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
