// Tells a client of the messages of its connection (protocol.md section 2). It is loaded when a client
// first asks for it.

import type { z } from "zod";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { cutText } from "../base/text.js";
import { clientNotifications, traceNotifications } from "../protocol/connectionNotifications.js";
import { serverMethods } from "../protocol/registry.js";
import { shortJson } from "./shortJson.js";

const logTrace = traceNotifications["$/logTrace"];
const setTrace = clientNotifications["$/setTrace"];
/** The longest method or id, and the longest text of an error, in UTF-16 units. */
const longestName = 100;
const longestReason = 200;
/** The longest text of params or of a result. */
const longestText = 4096;
/** What may wait for a client that reads slowly: lines, and UTF-16 units. */
const mostLines = 1000;
const mostUnits = 1024 * 1024;

/** A message that was taken or sent. */
export interface SeenMessage {
  readonly direction: "received" | "sent";
  /** With the id that the server itself uses. */
  readonly message: {
    readonly jsonrpc: string;
    readonly id?: unknown;
    readonly method?: string;
    readonly params?: unknown;
    readonly result?: unknown;
    readonly error?: { readonly code: number; readonly message: string };
  };
  /** The id of the client's own request, as it wrote it. */
  readonly idText: string | undefined;
  /** When, in milliseconds. */
  readonly at: number;
}

/** The channel of the connection, as the trace needs it. */
export interface TraceChannel {
  readonly connection: { sendNotification(method: string, params: object): Promise<void> };
  /** See `Channel` of the transport. */
  readonly tap: {
    onMessage?:
      | ((
          direction: SeenMessage["direction"],
          message: SeenMessage["message"],
          idText?: string,
        ) => void)
      | undefined;
  };
}

/** `$/logTrace`'s params. */
type TraceLine = z.output<ReturnType<typeof logTrace.params>>;

interface OpenRequest {
  readonly method: string;
  readonly at: number;
}

/**
 * Sends one line after the other, each when the one before it was taken by the pipe. So no more than
 * one is before a completion, and what a slow client does not read is dropped here.
 */
export class MessageTrace {
  readonly #channel: TraceChannel;
  readonly #log: Log;
  readonly #now: () => number;
  #value: z.output<ReturnType<typeof setTrace.params>>["value"] = "off";
  /** The requests that have no answer yet, by who has sent them. */
  readonly #open = {
    received: new Map<unknown, OpenRequest>(),
    sent: new Map<unknown, OpenRequest>(),
  };
  #lines: TraceLine[] = [];
  #units = 0;
  #dropped = 0;
  #isSending = false;

  /** `now` tells the time in milliseconds. */
  constructor(channel: TraceChannel, log: Log, now: () => number) {
    this.#channel = channel;
    this.#log = log;
    this.#now = now;
  }

  /** Begins with what came before. */
  begin(early: readonly ({ params: unknown } | SeenMessage)[]): void {
    this.#channel.tap.onMessage = undefined;
    for (const each of early) {
      if ("params" in each) this.set(each.params);
      else this.#take(each);
    }
  }

  /**
   * Takes the params of `$/setTrace`; those that are not valid are logged, and change nothing. With
   * `off`, what has not been told yet is not told.
   */
  set(params: unknown): void {
    const { data, error } = setTrace.params().safeParse(params);
    if (data === undefined) {
      const { name: method } = setTrace;
      this.#log.warn({ method, reason: error.message }, "a notification was refused");
      return;
    }
    this.#value = data.value;
    if (data.value === "off") {
      this.#channel.tap.onMessage = undefined;
      this.#stop();
    } else {
      this.#channel.tap.onMessage = (direction, message, idText) =>
        this.#take({ direction, message, idText, at: this.#now() });
    }
  }

  /** Tells of a message, unless it is one of its own. */
  #take(seen: SeenMessage): void {
    const { method } = seen.message;
    if (method === logTrace.name || this.#value === "off") return;
    const line = method === undefined ? this.#ofAnswer(seen) : this.#ofCall(seen, method);
    this.#lines.push(line);
    this.#units += unitsOf(line);
    while (this.#lines.length > mostLines || this.#units > mostUnits) {
      this.#shift();
      this.#dropped++;
    }
    if (!this.#isSending) void this.#send();
  }

  /** Forgets what was not sent yet. */
  #stop(): void {
    this.#lines = [];
    this.#units = 0;
    this.#dropped = 0;
    this.#open.received.clear();
    this.#open.sent.clear();
  }

  #ofCall({ direction, message, idText, at }: SeenMessage, method: string): TraceLine {
    const { id, params } = message;
    const name = cutText(method, longestName);
    const doing = direction === "received" ? "Received" : "Sending";
    const verbose = params === undefined ? {} : this.#verbose("Params", params);
    if (id === undefined) return { message: `${doing} notification '${name}'.`, ...verbose };
    this.#open[direction].set(id, { method: name, at });
    return { message: `${doing} request '${name} - (${shownId(id, idText)})'.`, ...verbose };
  }

  #ofAnswer({ direction, message, idText, at }: SeenMessage): TraceLine {
    const { id, result, error } = message;
    const requests = this.#open[direction === "received" ? "sent" : "received"];
    const request = requests.get(id);
    requests.delete(id);
    const about = request === undefined ? "" : `${request.method} - `;
    // The answer of the client has the id of a request of ours.
    const shown = shownId(id, direction === "sent" ? idText : undefined);
    const name = `'${about}(${shown})'`;
    const failed =
      error === undefined
        ? ""
        : ` Request failed: ${cutText(error.message, longestReason)} (${error.code}).`;
    const ms = request === undefined ? "" : `${Math.max(0, Math.round(at - request.at))}ms`;
    // The words are those of vscode-jsonrpc, which tools that show traces look for.
    const told =
      direction === "received"
        ? `Received response ${name}${ms === "" ? "" : ` in ${ms}`}.${failed}`
        : `Sending response ${name}.${ms === "" ? "" : ` Processing request took ${ms}`}${failed}`;
    if (error !== undefined) return { message: told, ...this.#verbose("Error", error) };
    // What a user types for a tool server may be a password.
    const isTyped = direction === "received" && request?.method === serverMethods.requestInput.name;
    return { message: told, ...this.#verbose("Result", isTyped ? "[redacted]" : result) };
  }

  #verbose(what: string, value: unknown): { verbose?: string } {
    return this.#value === "verbose"
      ? { verbose: `${what}: ${shortJson(value, longestText)}` }
      : {};
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    try {
      // What is sent together with the message goes first.
      await Promise.resolve();
      for (let line = this.#next(); line !== undefined; line = this.#next()) {
        await this.#channel.connection.sendNotification(logTrace.name, line);
      }
    } catch (error) {
      this.#stop();
      this.#log.debug({ reason: messageOf(error) }, "the trace cannot be told any more");
    } finally {
      this.#isSending = false;
    }
  }

  #next(): TraceLine | undefined {
    if (this.#dropped === 0) return this.#shift();
    const message = `${this.#dropped} lines of the trace are missing here: the client reads slowly.`;
    this.#dropped = 0;
    return { message };
  }

  #shift(): TraceLine | undefined {
    const line = this.#lines.shift();
    if (line !== undefined) this.#units -= unitsOf(line);
    return line;
  }
}

function shownId(id: unknown, idText: string | undefined): string {
  return cutText(idText ?? JSON.stringify(id) ?? "", longestName);
}

function unitsOf({ message, verbose = "" }: TraceLine): number {
  return message.length + verbose.length;
}
