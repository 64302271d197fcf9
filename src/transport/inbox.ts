/**
 * Turns frames into messages for vscode-jsonrpc. It answers what the library would not (protocol.md
 * section 1): text that is no JSON, bad request objects, batches. A message that it passes on
 * cannot make the library throw.
 */
import {
  ErrorCodes,
  type Message,
  type NotificationMessage,
  type RequestMessage,
  type ResponseMessage,
} from "vscode-jsonrpc/node";
import { assertNever } from "../base/assertNever.js";
import { deepestJson, isNestedDeeper } from "../base/jsonDepth.js";
import type { Log } from "../base/log.js";
import { Batch } from "./batch.js";
import type { ChannelTap } from "./channelWatch.js";
import { classify, type Incoming, type JsonRpcId } from "./classify.js";
import type { Frame } from "./framing.js";
import type { InboundRequests, Reply } from "./inboundRequests.js";
import { sourceOf } from "./jsonSource.js";
import type { OutgoingRequests } from "./outgoingRequests.js";
import { errorAnswer, wireError } from "./wireError.js";

const version = "2.0";
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

/** The text that a message came in, and where in it the message is: its id is read from there. */
interface MessageSource {
  text: string;
  path: readonly number[];
}

export class Inbox {
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Takes the next frame. Never throws. */
  receive(frame: Frame): void {
    if (frame.kind === "bad") {
      this.#answer(frame.id ?? "null", frame.name, frame.reason, this.#options.reply);
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(frame.text);
    } catch {
      this.#answerBadFrame("ParseError", "not JSON");
      return;
    }
    this.#receiveValue(value, frame.text);
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

  #receiveValue(value: unknown, text: string): void {
    if (!Array.isArray(value)) {
      this.#receiveOne(this.#classify(value), { text, path: [] }, this.#options.reply);
    } else if (value.length === 0) {
      this.#answerBadFrame("InvalidRequest", "an empty batch");
    } else {
      this.#receiveBatch(value, text);
    }
  }

  #receiveBatch(values: unknown[], text: string): void {
    const members = values.map((value) => this.#classify(value));
    const answered = members.filter(({ kind }) => kind === "request" || kind === "invalid");
    const batch = new Batch(answered.length, this.#options.reply);
    let slot = 0;
    for (const [index, member] of members.entries()) {
      const isAnswered = member.kind === "request" || member.kind === "invalid";
      const reply = isAnswered ? batch.replyAt(slot++) : this.#options.reply;
      this.#receiveOne(member, { text, path: [index] }, reply);
    }
  }

  #receiveOne(incoming: Incoming, source: MessageSource, reply: Reply): void {
    switch (incoming.kind) {
      case "request": {
        if (isNestedDeeper(incoming.params)) {
          this.#answer(idText(incoming.id, source), "InvalidParams", tooDeep, reply);
          break;
        }
        const id = this.#options.inbound.open({ idText: idText(incoming.id, source), reply });
        this.#deliverCall({ jsonrpc: version, id, method: incoming.method }, incoming);
        break;
      }
      case "notification":
        if (isNestedDeeper(incoming.params)) {
          this.#options.log.warn({ method: incoming.method, reason: tooDeep }, "a bad message");
        } else if (incoming.method === cancelMethod) this.#cancel(incoming.params, source);
        else this.#deliverCall({ jsonrpc: version, method: incoming.method }, incoming);
        break;
      case "response":
        if (isNestedDeeper(incoming.outcome)) this.#reportBadResponse(incoming.id, tooDeep);
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

function cancelOf(id: JsonRpcId): NotificationMessage {
  return { jsonrpc: version, method: cancelMethod, params: { id } };
}

/** The id as JSON text; as it was written if it is a number that JavaScript cannot hold. */
function idText(id: JsonRpcId, source: MessageSource, within: readonly string[] = []): string {
  if (typeof id !== "number" || Math.abs(id) <= Number.MAX_SAFE_INTEGER) return JSON.stringify(id);
  return sourceOf(source.text, [...source.path, ...within, "id"]) ?? JSON.stringify(id);
}
