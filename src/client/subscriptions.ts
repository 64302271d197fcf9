/** Who wants to hear of what: handlers by notification, and streams of events. */
import type { NotificationName, NotificationParams } from "../protocol/registry.js";
import { EventStream } from "./eventStream.js";
import type { ServerNotification } from "./link.js";

/** Called for every notification of one name; it must not be slow, and what it throws is reported. */
export type NotificationHandler<N extends NotificationName> = (
  params: NotificationParams<N>,
) => void;

/** What a stream of events is asked for. */
export interface EventsOptions {
  /** Events that wait for the reader, at most; 1,024 unless told. */
  readonly limit?: number;
  /** Ends the stream when it is aborted. */
  readonly signal?: AbortSignal;
}

const defaultLimit = 1024;

export class Subscriptions {
  readonly #handlers = new Map<NotificationName, Set<(notification: ServerNotification) => void>>();
  readonly #streams = new Set<EventStream>();
  readonly #reportError: (error: unknown) => void;
  #hasEnded = false;

  constructor(reportError: (error: unknown) => void) {
    this.#reportError = reportError;
  }

  /** Adds a handler; call what is returned to take it away. */
  on<N extends NotificationName>(name: N, handler: NotificationHandler<N>): () => void {
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers);
    // The set is the one of this name, so what it is called with has this name's params.
    const call = ({ params }: ServerNotification) => handler(params as NotificationParams<N>);
    handlers.add(call);
    return () => {
      handlers.delete(call);
    };
  }

  /** A new stream of all events from now on. */
  events({ limit = defaultLimit, signal: given }: EventsOptions): EventStream {
    // One signal may be given to many streams.
    const signal = given && AbortSignal.any([given]);
    const end = () => stream.end();
    const stream = new EventStream(limit, () => {
      this.#streams.delete(stream);
      signal?.removeEventListener("abort", end);
    });
    if (this.#hasEnded || signal?.aborted) stream.end();
    else {
      this.#streams.add(stream);
      signal?.addEventListener("abort", end, { once: true });
    }
    return stream;
  }

  /** Tells everyone; a handler that throws stops no other. */
  publish(notification: ServerNotification): void {
    for (const call of this.#handlers.get(notification.method) ?? []) {
      try {
        call(notification);
      } catch (error) {
        this.#reportError(error);
      }
    }
    if (notification.method === "runComplete") return;
    for (const stream of this.#streams) stream.push(notification);
  }

  /** Ends every stream and forgets every handler. */
  end(): void {
    this.#hasEnded = true;
    for (const stream of [...this.#streams]) stream.end();
    this.#handlers.clear();
  }
}
