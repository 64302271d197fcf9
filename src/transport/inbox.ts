/**
 * Turns frames into messages for vscode-jsonrpc. It answers what the library would not (protocol.md
 * section 1): text that is no JSON, bad request objects, batches. A message that it passes on
 * cannot make the library throw.
 */
import { setImmediate } from "node:timers/promises";
import {
  ErrorCodes,
  type Message,
  type NotificationMessage,
  type RequestMessage,
  type ResponseMessage,
} from "vscode-jsonrpc/node";
import { assertNever } from "../base/assertNever.js";
import { deepestJson } from "../base/jsonDepth.js";
import type { Log } from "../base/log.js";
import { Batch } from "./batch.js";
import type { ChannelTap } from "./channelWatch.js";
import { classify, type Incoming, type JsonRpcId } from "./classify.js";
import type { Frame, LargeFrame } from "./framing.js";
import type { InboundRequests, Reply } from "./inboundRequests.js";
import { type MessageContent, readContent, readLargeContent } from "./messageContent.js";
import type { OutgoingRequests } from "./outgoingRequests.js";
import { errorAnswer, wireError } from "./wireError.js";

const version = "2.0";
/** The most messages in a batch. */
const mostInBatch = 10_000;
/** How many of them are taken in one turn of the event loop. */
const batchStep = 500;
/**
 * Without this, code that walks through a message recursively would fail in the middle of its work.
 */
const tooDeep = `it is nested more than ${deepestJson} levels deep`;
/** The notification with which either side cancels a request. */
export const cancelMethod = "$/cancelRequest";

export interface InboxOptions {
  inbound: InboundRequests;
  outgoing: OutgoingRequests;
  /** Sends an answer. */
  reply: Reply;
  /** Hands a message to vscode-jsonrpc. */
  deliver: (message: Message) => void;
  /** Called for each malformed response; they are not answered. */
  onBadResponse: (error: Error) => void;
  log: Log;
  tap: ChannelTap;
}

/** What a message came in, and where in it the message is: its id is read from there. */
interface MessageSource {
  content: MessageContent;
  path: readonly number[];
}

export class Inbox {
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /**
   * Takes the next frame. Never throws. What it returns for a large one settles when all of it is taken, and
   * never rejects.
   */
  receive(frame: Frame | LargeFrame): Promise<void> | undefined {
    if (frame.kind === "large") return this.#receiveLarge(frame.bytes);
    if (frame.kind === "bad") {
      this.#answer(frame.id ?? "null", frame.name, frame.reason, this.#options.reply);
      return undefined;
    }
    const content = readContent(frame.text);
    if (content !== undefined) return this.#receiveContent(content);
    this.#answerBadFrame("ParseError", "not JSON");
    return undefined;
  }

  async #receiveLarge(bytes: Buffer): Promise<void> {
    const read = await readLargeContent(bytes);
    if (read.kind === "bad") this.receive(read);
    else await this.#receiveContent(read);
  }

  /** Cancels every request that is still being worked on. */
  cancelAll(): void {
    for (const number of this.#options.inbound.cancelAll()) this.#deliverCancel(number);
  }

  /** Fails our own requests, because the other side cannot answer any more. */
  failOutgoing(): void {
    for (const id of this.#options.outgoing.close()) {
      this.#deliverFailure(id, "The other side is gone and cannot answer.");
    }
  }

  #classify(value: unknown): Incoming {
    return classify(value, (id) => this.#options.outgoing.isWaiting(id));
  }

  #receiveContent(content: MessageContent): Promise<void> | undefined {
    const { value } = content;
    if (!Array.isArray(value)) {
      this.#receiveOne(this.#classify(value), { content, path: [] }, this.#options.reply);
    } else if (value.length === 0) {
      this.#answerBadFrame("InvalidRequest", "an empty batch");
    } else if (value.length > mostInBatch) {
      this.#answerBadFrame("InvalidRequest", `a batch may have ${mostInBatch} messages at most`);
    } else {
      return this.#receiveBatch(value, content);
    }
    return undefined;
  }

  #receiveBatch(values: unknown[], content: MessageContent): Promise<void> | undefined {
    const members = values.map((value) => this.#classify(value));
    const batch = new Batch(members.filter(isAnswered).length, this.#options.reply);
    let [index, slot] = [0, 0];
    const receiveSome = () => {
      for (const member of members.slice(index, index + batchStep)) {
        const reply = isAnswered(member) ? batch.replyAt(slot++) : this.#options.reply;
        this.#receiveOne(member, { content, path: [index++] }, reply);
      }
      return index < members.length;
    };
    return receiveSome() ? inTurns(receiveSome) : undefined;
  }

  #receiveOne(incoming: Incoming, source: MessageSource, reply: Reply): void {
    switch (incoming.kind) {
      case "request": {
        if (source.content.isTooDeep(incoming.params)) {
          this.#answer(idText(incoming.id, source), "InvalidParams", tooDeep, reply);
          break;
        }
        const id = this.#options.inbound.open({ idText: idText(incoming.id, source), reply });
        this.#deliverCall({ jsonrpc: version, id, method: incoming.method }, incoming);
        break;
      }
      case "notification":
        if (source.content.isTooDeep(incoming.params)) {
          this.#options.log.warn({ method: incoming.method, reason: tooDeep }, "a bad message");
        } else if (incoming.method === cancelMethod) this.#cancel(incoming.params, source);
        else this.#deliverCall({ jsonrpc: version, method: incoming.method }, incoming);
        break;
      case "response":
        if (source.content.isTooDeep(incoming.outcome))
          this.#reportBadResponse(incoming.id, tooDeep);
        else this.#receiveResponse(incoming);
        break;
      case "badResponse":
        this.#reportBadResponse(incoming.id, incoming.reason);
        break;
      case "invalid":
        this.#answer(idText(incoming.id, source), "InvalidRequest", incoming.reason, reply);
        break;
      default:
        assertNever(incoming);
    }
  }

  #deliverCall(
    message: RequestMessage | NotificationMessage,
    { params }: { params: object | undefined },
  ): void {
    if (params !== undefined) message.params = params;
    this.#options.deliver(message);
  }

  #receiveResponse({ id, outcome }: Extract<Incoming, { kind: "response" }>): void {
    const { outgoing, log, deliver, onBadResponse } = this.#options;
    if (outgoing.settle(id)) {
      const message: ResponseMessage = { jsonrpc: version, id, ...outcome };
      deliver(message);
    } else if (id === null && "error" in outcome) {
      const { code, message } = outcome.error;
      onBadResponse(new Error(`the other side reports a bad message: ${code} ${message}`));
    } else {
      log.debug({ id }, "a response to no request that waits for one");
    }
  }

  #reportBadResponse(id: JsonRpcId, reason: string): void {
    this.#options.onBadResponse(new Error(`a malformed response: ${reason}`));
    if (this.#options.outgoing.settle(id)) {
      this.#deliverFailure(id, `The other side's response was malformed: ${reason}.`);
    }
  }

  #deliverFailure(id: JsonRpcId, message: string): void {
    const error = { code: ErrorCodes.PendingResponseRejected, message };
    const response: ResponseMessage = { jsonrpc: version, id, error };
    this.#options.deliver(response);
  }

  #cancel(params: object | undefined, source: MessageSource): void {
    const id = params !== undefined && "id" in params ? params.id : undefined;
    if (typeof id !== "string" && typeof id !== "number" && id !== null) {
      this.#options.log.debug({}, "a malformed cancel");
      return;
    }
    this.#options.tap.onMessage?.("received", cancelOf(id));
    const text = idText(id, source, ["params"]);
    for (const number of this.#options.inbound.cancel(text)) this.#deliverCancel(number);
  }

  #deliverCancel(number: number): void {
    this.#options.deliver(cancelOf(number));
  }

  #answerBadFrame(name: Parameters<typeof wireError>[0], reason: string): void {
    this.#answer("null", name, reason, this.#options.reply);
  }

  #answer(id: string, name: Parameters<typeof wireError>[0], reason: string, reply: Reply): void {
    const { log, tap } = this.#options;
    log.warn({ name, reason }, "a bad message");
    const error = wireError(name, reason);
    reply(errorAnswer(id, error)).catch((failure: unknown) => {
      log.debug({ err: failure }, "a bad message could not be answered");
    });
    tap.onMessage?.("sent", { jsonrpc: version, id: null, error } as ResponseMessage, id);
  }
}

/** Calls `receiveSome` in one turn of the event loop after the other, until it has received all. */
async function inTurns(receiveSome: () => boolean): Promise<void> {
  do await setImmediate();
  while (receiveSome());
}

function isAnswered({ kind }: Incoming): boolean {
  return kind === "request" || kind === "invalid";
}

function cancelOf(id: JsonRpcId): NotificationMessage {
  return { jsonrpc: version, method: cancelMethod, params: { id } };
}

/** The id as JSON text; as it was written if it is a number that JavaScript cannot hold. */
function idText(id: JsonRpcId, source: MessageSource, within: readonly string[] = []): string {
  if (typeof id !== "number" || Math.abs(id) <= Number.MAX_SAFE_INTEGER) return JSON.stringify(id);
  return source.content.idTextAt([...source.path, ...within]) ?? JSON.stringify(id);
}
