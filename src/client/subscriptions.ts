/** The subscribers: handlers for each notification, and streams of events. */
import type { NotificationName, NotificationParams } from "../protocol/registry.js";
import { EventStream } from "./eventStream.js";
import type { ServerNotification } from "./link.js";
import { type StopListening, stopListening } from "./stopListening.js";

/**
 * Called for every notification of one name. It must not be slow. An error that it throws is
 * reported.
 */
export type NotificationHandler<N extends NotificationName> = (
  params: NotificationParams<N>,
) => void;

/** The options of a stream of events. */
export interface EventsOptions {
  /** The most events that wait for the reader; 1,024 by default. */
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

  /** Adds a handler. Call the returned function to remove it. */
  on<N extends NotificationName>(name: N, handler: NotificationHandler<N>): StopListening {
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers);
    // The set belongs to this name, so its handlers take the params of this name.
    const call = ({ params }: ServerNotification) => handler(params as NotificationParams<N>);
    handlers.add(call);
    return stopListening(() => handlers.delete(call));
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

  /** Calls all handlers; one that throws does not stop the others. */
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
