/**
 * Writes messages for vscode-jsonrpc, in our framing and with the other side's own ids, in the order
 * of the calls. Each message is one `write` to the stream, except those that are sent together.
 *
 * Its promises are the back-pressure: each resolves when the stream has taken the bytes and
 * rejects once the stream has failed or closed. Until the framing is known nothing is written:
 * messages wait in order.
 */
import {
  AbstractMessageWriter,
  Message,
  type MessageWriter,
  type ResponseMessage,
} from "vscode-jsonrpc/node";
import type { Log } from "../base/log.js";
import { UnwritableMessage } from "../base/unwritable.js";
import type { ChannelTap, ChannelWatch } from "./channelWatch.js";
import { encodeFrame, type Framing } from "./framing.js";
import type { InboundRequests } from "./inboundRequests.js";
import type { OutgoingRequests } from "./outgoingRequests.js";
import type { ByteOutput } from "./streams.js";
import { errorAnswer, resultAnswer, wireError } from "./wireError.js";

export interface ChannelWriterOptions {
  output: ByteOutput;
  inbound: InboundRequests;
  outgoing: OutgoingRequests;
  log: Log;
  tap: ChannelTap;
  watch?: ChannelWatch;
}

/** How the caller of a write learns that it has ended. */
interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** Where it stands among those that wait for the stream. */
  place: number;
}

/** A message on its way to the stream. */
interface Frame {
  readonly text: string;
  /** Of its JSON, in UTF-16 units. */
  readonly length: number;
  readonly waiting: Waiting;
}

export class ChannelWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #options: ChannelWriterOptions;
  readonly #afterWritten = new WeakMap<object, (() => void)[]>();
  #framing: Framing | undefined;
  /** Messages from before the framing was known. */
  #unframed: { json: string; waiting: Waiting }[] = [];
  /**
   * The callers that wait for the stream to confirm a write, in no order. A destroyed stream may never do
   * so. A `Set` would make a new table for almost each message, and each table points to the next: the heap
   * would keep all of them until its next full collection.
   */
  #unsent: Waiting[] = [];
  #unsentLength = 0;
  /** The messages that go into one `write`, while {@link together} collects them. */
  #gathered: Frame[] | undefined;
  #waitingForRoom: { atMost: number; run: () => void } | undefined;
  #failure: Error | undefined;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(options: ChannelWriterOptions) {
    super();
    this.#options = options;
    // The listeners are never removed: without one, a late error of the stream would end the
    // process.
    options.output.on("error", (error) => {
      if (this.#failure === undefined) this.fireError(error);
      this.#endWithOutput(error);
    });
    options.output.on("close", () => this.#endWithOutput(new Error("the output is closed")));
  }

  /** What the other side has not read yet, in UTF-16 units. */
  get unsentLength(): number {
    return this.#unsentLength;
  }

  /** Why nothing can be written any more; undefined while it can. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Whether the other side has left at most this much unread (in UTF-16 units). If not, `run` is
   * called once when that becomes true. A later call replaces an earlier one.
   */
  hasRoom(atMost: number, run: () => void): boolean {
    if (this.#unsentLength <= atMost) return true;
    this.#waitingForRoom = { atMost, run };
    return false;
  }

  /** Writes the waiting messages, and all later ones, in this framing. */
  setFraming(framing: Framing): void {
    this.#framing = framing;
    for (const { json, waiting } of this.#unframed.splice(0)) this.#put(framing, json, waiting);
  }

  /** Calls `run` as soon as the response with this `result` object, or its batch, was written. */
  afterWritten(result: object, run: () => void): void {
    const others = this.#afterWritten.get(result) ?? [];
    this.#afterWritten.set(result, [...others, run]);
  }

  /** Sends the text of a message. `handedOver` runs before anything else can be sent after it. */
  send(json: string, handedOver?: () => void): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const framing = this.#framing;
    const written = new Promise<void>((resolve, reject) => {
      const waiting = { resolve, reject, place: 0 };
      if (framing === undefined) this.#unframed.push({ json, waiting });
      else this.#put(framing, json, waiting);
    });
    this.#lastWrite = written;
    handedOver?.();
    return written;
  }

  /** Runs `send`. What it sends goes to the stream in one `write`. */
  together(send: () => void): void {
    const gathered: Frame[] = [];
    this.#gathered = gathered;
    try {
      send();
    } finally {
      this.#gathered = undefined;
      if (gathered.length > 0) this.#writeFrames(gathered);
    }
  }

  /** Resolves when the stream has taken or refused everything that was written until now. */
  async flushed(): Promise<void> {
    await Promise.allSettled([this.#lastWrite]);
  }

  write(message: Message): Promise<void> {
    if (Message.isResponse(message)) return this.#answer(message);
    try {
      const json = jsonOf(message);
      if (Message.isRequest(message)) this.#trackRequest(message.id);
      const sent = this.send(json);
      this.#options.tap.onMessage?.("sent", message);
      return sent;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  end(): void {
    this.#options.output.end();
  }

  override dispose(): void {
    super.dispose();
    this.#close(new Error("the connection is disposed"));
  }

  #trackRequest(id: number | string | null): void {
    if (this.#options.outgoing.isClosed) throw new Error("the other side is gone");
    if (typeof id === "number") this.#options.outgoing.add(id);
  }

  #answer(response: ResponseMessage): Promise<void> {
    const { inbound } = this.#options;
    const request = typeof response.id === "number" ? inbound.take(response.id) : undefined;
    if (request === undefined) {
      return Promise.reject(this.#failure ?? new Error("the request was answered already"));
    }
    const { result } = response;
    const runs = isObject(result) ? this.#afterWritten.get(result) : undefined;
    const sent = request.reply(this.#answerText(request.idText, response), () => {
      for (const run of runs ?? []) this.#runGuarded(run);
    });
    this.#options.tap.onMessage?.("sent", response, request.idText);
    return sent;
  }

  #answerText(idText: string, { result, error }: ResponseMessage): string {
    try {
      return error === undefined ? resultAnswer(idText, result) : errorAnswer(idText, error);
    } catch (failure) {
      this.#options.log.error({ err: failure }, "a response could not be written as JSON");
      const unwritable = "The response could not be written as JSON.";
      return errorAnswer(idText, wireError("InternalError", unwritable));
    }
  }

  #runGuarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#options.log.error({ err: error }, "a callback after a response failed");
    }
  }

  #put(framing: Framing, json: string, waiting: Waiting): void {
    const { watch } = this.#options;
    watch?.at.watcher?.sent(watch.pipe, json);
    const { length } = json;
    waiting.place = this.#unsent.push(waiting) - 1;
    this.#unsentLength += length;
    const frame = { text: encodeFrame(framing, json), length, waiting };
    if (this.#gathered === undefined) this.#writeFrames([frame]);
    else this.#gathered.push(frame);
  }

  #writeFrames(frames: readonly Frame[]): void {
    this.#options.output.write(frames.map(({ text }) => text).join(""), (error) => {
      for (const { waiting, length } of frames) {
        this.#confirm(waiting);
        this.#unsentLength -= length;
        if (error) waiting.reject(error);
        else waiting.resolve();
      }
      this.#tellOfRoom();
    });
  }

  /** One waits no more: the last takes its place. */
  #confirm({ place }: Waiting): void {
    const last = this.#unsent.pop();
    if (last === undefined || last.place === place) return;
    this.#unsent[place] = last;
    last.place = place;
  }

  #tellOfRoom(): void {
    const waiting = this.#waitingForRoom;
    if (waiting === undefined || this.#unsentLength > waiting.atMost) return;
    this.#waitingForRoom = undefined;
    waiting.run();
  }

  #endWithOutput(reason: Error): void {
    for (const { reject } of this.#unsent.splice(0)) reject(reason);
    this.#close(reason);
  }

  /** Closes for good; the first reason is the one that every later write rejects with. */
  #close(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    for (const { waiting } of this.#unframed.splice(0)) waiting.reject(reason);
    this.#options.log.debug({ reason: reason.message }, "nothing can be written any more");
    this.fireClose();
  }
}

function jsonOf(message: Message): string {
  try {
    return JSON.stringify(message);
  } catch (error) {
    throw new UnwritableMessage(error);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
