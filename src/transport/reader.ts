/**
 * Reads the input for vscode-jsonrpc: it turns bytes into frames, and frames into messages.
 *
 * How far it reads ahead is limited. It pauses while many messages wait for their handlers, and
 * while the other side has left too much of our output unread.
 *
 * The end of the input is not `onClose`: the connection stays open for the answers that are still
 * due. `ended` reports it, after every earlier message has gone to its handler.
 */
import {
  AbstractMessageReader,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageReader,
  type MessageStrategy,
  type NotificationMessage,
} from "vscode-jsonrpc/node";
import { Deferred } from "../base/deferred.js";
import type { Log } from "../base/log.js";
import { OrderedWork } from "../base/orderedWork.js";
import type { ChannelTap, ChannelWatch } from "./channelWatch.js";

import { type Frame, type Framing, type LargeFrame, wholeFrame } from "./framing.js";
import type { InboundRequests } from "./inboundRequests.js";
import { cancelMethod, Inbox } from "./inbox.js";
import { InputDecoder } from "./inputDecoder.js";
import type { OutgoingRequests } from "./outgoingRequests.js";
import type { ByteInput } from "./streams.js";
import type { ChannelWriter } from "./writer.js";

export interface ChannelReaderOptions {
  input: ByteInput;
  framing: Framing | "auto";
  maxMessageBytes: number;
  /** How many sent bytes the other side may leave unread before no more is read from it. */
  maxUnsentBytes: number;
  inbound: InboundRequests;
  outgoing: OutgoingRequests;
  writer: ChannelWriter;
  log: Log;
  tap: ChannelTap;
  watch?: ChannelWatch;
}

/** Why an input ended; `error` is undefined if it ended normally. */
export interface InputEnd {
  error: Error | undefined;
}

const mostUndispatched = 1_000;
const fewUndispatched = 250;

export class ChannelReader extends AbstractMessageReader implements MessageReader {
  readonly #options: ChannelReaderOptions;
  readonly #inbox: Inbox;
  readonly #decoder: InputDecoder;
  readonly #frames = new OrderedWork(() => this.#resumeOrWait());
  readonly #ended = new Deferred<InputEnd>();
  /** A marker that is delivered after the last message, and recognised when its turn comes. */
  readonly #endMarker: NotificationMessage = { jsonrpc: "2.0", method: "$/endOfInput" };
  #callback: DataCallback | undefined;
  #undispatched = 0;
  #end: InputEnd | undefined;
  #isDisposed = false;

  constructor(options: ChannelReaderOptions) {
    super();
    this.#options = options;
    this.#inbox = new Inbox({
      inbound: options.inbound,
      outgoing: options.outgoing,
      log: options.log,
      tap: options.tap,
      reply: (answer, handedOver) => options.writer.send(answer, handedOver),
      deliver: (message) => this.#deliver(message),
      onBadResponse: (error) => this.fireError(error),
    });
    this.#decoder = new InputDecoder({
      framing: options.framing,
      maxMessageBytes: options.maxMessageBytes,
      onFrame: (frame) => {
        const { watch } = options;
        if (watch?.at.watcher !== undefined) {
          watch.at.watcher.received(watch.pipe, wholeFrame(frame));
        }
        this.#frames.add(() => this.#receive(frame));
      },
      onFraming: (framing) => options.writer.setFraming(framing),
    });
  }

  /** The messages that were read and have not come to their handlers. */
  get undispatched(): number {
    return this.#undispatched;
  }

  /** Settles once, when the input has ended and every message has been dispatched. */
  get ended(): Promise<InputEnd> {
    return this.#ended.promise;
  }

  /** vscode-jsonrpc calls this when it is a message's turn. */
  readonly strategy: MessageStrategy = {
    handleMessage: (message, next) => {
      if (message === this.#endMarker) return this.#reportEnd();
      if (!isCancel(message)) {
        this.#undispatched--;
        // Cancels are told where they are taken apart: not each of them gets here.
        const { tap, inbound } = this.#options;
        tap.onMessage?.("received", message, inbound.idTextOf(message));
      }
      if (this.#undispatched === fewUndispatched) this.#resumeOrWait();
      return next(message);
    },
  };

  listen(callback: DataCallback): Disposable {
    const { input } = this.#options;
    this.#callback = callback;
    input.on("data", this.#onData);
    input.on("end", () => this.#finish(undefined));
    // This listener is never removed: without it, a late error of the stream would end the process.
    input.on("error", (error) => this.#finish(error));
    input.on("close", () => this.#finish(undefined));
    return { dispose: () => this.stop() };
  }

  /** Stops reading. Messages that have been read are still dispatched. */
  stop(): void {
    const { input } = this.#options;
    this.#end ??= { error: undefined };
    input.off("data", this.#onData);
    input.pause();
  }

  /** Cancels all requests that are being worked on; see {@link Inbox.cancelAll}. */
  cancelAll(): void {
    this.#inbox.cancelAll();
  }

  /** Fails our own requests; see {@link Inbox.failOutgoing}. */
  failOutgoing(): void {
    this.#inbox.failOutgoing();
  }

  override dispose(): void {
    super.dispose();
    this.#isDisposed = true;
    this.stop();
  }

  readonly #onData = (chunk: Uint8Array | string): void => {
    this.#decoder.push(asBuffer(chunk));
    this.#resumeOrWait();
  };

  /** Nothing more is read while a large message is taken apart. */
  #receive(frame: Frame | LargeFrame): Promise<void> | undefined {
    return this.#isDisposed ? undefined : this.#inbox.receive(frame);
  }

  #deliver(message: Message): void {
    if (!isCancel(message)) this.#undispatched++;
    this.#callback?.(message);
  }

  /** Goes on reading, or waits until the handlers or the other side have caught up. */
  #resumeOrWait(): void {
    const { input, writer, maxUnsentBytes } = this.#options;
    if (this.#end !== undefined) return;
    if (this.#frames.isBusy) {
      input.pause();
      return;
    }
    if (this.#undispatched > fewUndispatched) {
      if (this.#undispatched >= mostUndispatched) input.pause();
      return;
    }
    if (writer.hasRoom(maxUnsentBytes, () => this.#resumeOrWait())) input.resume();
    else input.pause();
  }

  #finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    if (error === undefined) this.#decoder.end();
    else this.fireError(error);
    this.#frames.add(() => {
      this.failOutgoing();
      this.#callback?.(this.#endMarker);
      return undefined;
    });
  }

  #reportEnd(): void {
    if (this.#end !== undefined) this.#ended.resolve(this.#end);
  }
}

/** Cancels are not counted: vscode-jsonrpc handles some of them without giving them a turn. */
function isCancel(message: Message): boolean {
  return "method" in message && message.method === cancelMethod;
}

/** The bytes of a chunk. They are not copied if they are a `Buffer` already. */
function asBuffer(chunk: Uint8Array | string): Buffer {
  if (typeof chunk === "string") return Buffer.from(chunk);
  if (Buffer.isBuffer(chunk)) return chunk;
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
