// A work queue of NATS JetStream: prompts in, and what became of each (docs/fleet.md).
import {
  AckPolicy,
  type Consumer,
  type ConsumerMessages,
  type JsMsg,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
} from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { makeStream, outcomeStream } from "../relay/natsStream.js";
import { eventMediaType } from "../relay/relayedEvent.js";

/** Where the prompts are. */
export interface WorkQueueOptions {
  readonly stream: string;
  readonly consumer: string;
  readonly subject: string;
  /** Where it is told what became of them. */
  readonly outcomes: {
    /** The stream, which is made if there is none; undefined if somebody else does that. */
    readonly stream?: string;
    /** What their subjects begin with. */
    readonly subject: string;
  };
}

/** How long a message may be without a sign of life before another worker gets it, in nanoseconds. */
const ackWaitNs = 30_000_000_000;
/** How long one request for a message waits, in milliseconds. */
const pullMs = 5_000;

interface Opened {
  readonly connection: NatsConnection;
  readonly consumer: Consumer;
}

/**
 * A work queue, shared by all workers with the same consumer. Where its connection was closed for good, or
 * stream or consumer were taken away, the next request opens it anew.
 */
export class WorkQueue {
  readonly #connect: () => Promise<NatsConnection>;
  readonly #options: WorkQueueOptions;
  #connection: NatsConnection | undefined;
  /** Undefined where nobody knows whether stream and consumer are there. */
  #opening: Promise<Opened> | undefined;
  #ackWaitMs = ackWaitNs / 1e6;
  #isClosed = false;

  /** Nothing is connected before {@link WorkQueue.open}. */
  constructor(connect: () => Promise<NatsConnection>, options: WorkQueueOptions) {
    this.#connect = connect;
    this.#options = options;
  }

  /** How often a worker must say that it is at work, in milliseconds. */
  get signOfLifeMs(): number {
    return Math.max(50, this.#ackWaitMs / 3);
  }

  /** Opens it; stream and consumer are made where there are none. Rejects where the server refuses. */
  async open(): Promise<void> {
    await this.#opened();
  }

  /**
   * The next message; undefined if none comes for a while, or before `signal` is aborted. Rejects where the
   * queue cannot be asked.
   */
  async next(signal: AbortSignal): Promise<JsMsg | undefined> {
    const opening = this.#opened();
    try {
      const { consumer } = await opening;
      return await oneOf(await consumer.fetch({ max_messages: 1, expires: pullMs }), signal);
    } catch (error) {
      // Another request may have opened it anew in the meantime.
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    }
  }

  /**
   * Stores an event under an id, behind the subject of outcomes. The stream is made if there is none: it may
   * be the first outcome of all. Rejects if that is not confirmed.
   */
  async publish(place: string, id: string, json: string): Promise<void> {
    const { stream, subject } = this.#options.outcomes;
    const { connection } = await this.#opened();
    if (stream !== undefined) await makeStream(connection, outcomeStream(stream, subject));
    const told = headers();
    told.set("Content-Type", eventMediaType);
    const options = { msgID: id, headers: told };
    await jetstream(connection).publish(`${subject}.${place}`, json, options);
  }

  /** Closes its connection, and opens none any more. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // It rejects where the connection was lost: then nothing is left to close.
    await this.#connection?.close().catch(() => {});
  }

  #opened(): Promise<Opened> {
    if (this.#connection?.isClosed() === true) {
      this.#connection = undefined;
      this.#opening = undefined;
    }
    if (this.#opening === undefined) {
      const opening = this.#openAnew();
      this.#opening = opening;
      opening.catch(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
    }
    return this.#opening;
  }

  async #openAnew(): Promise<Opened> {
    const { stream, consumer, subject } = this.#options;
    const connection = await this.#connected();
    const retention = RetentionPolicy.Workqueue;
    await makeStream(connection, { name: stream, subjects: [subject], retention });
    const { consumers } = await jetstreamManager(connection);
    const known = await consumers.info(stream, consumer).catch(() => undefined);
    const info =
      known ??
      (await consumers.add(stream, {
        durable_name: consumer,
        ack_policy: AckPolicy.Explicit,
        ack_wait: ackWaitNs,
        max_deliver: -1,
      }));
    this.#ackWaitMs = (info.config.ack_wait ?? ackWaitNs) / 1e6;
    return { connection, consumer: await jetstream(connection).consumers.get(stream, consumer) };
  }

  /** What is at work is answered over the connection by which it came: so that one stays while it can. */
  async #connected(): Promise<NatsConnection> {
    const known = this.#connection;
    if (known !== undefined && !known.isClosed()) return known;
    if (this.#isClosed) throw new Error("the work queue is closed");
    const connection = await this.#connect();
    if (this.#isClosed) {
      await connection.close();
      throw new Error("the work queue is closed");
    }
    this.#connection = connection;
    return connection;
  }
}

/** The first of some messages. One that came before the signal was aborted is among them. */
async function oneOf(messages: ConsumerMessages, signal: AbortSignal): Promise<JsMsg | undefined> {
  const stop = () => messages.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    for await (const message of messages) return message;
    return undefined;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
