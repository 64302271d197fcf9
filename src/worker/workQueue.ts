// A work queue of NATS JetStream: prompts in, and what became of each (docs/fleet.md).
import {
  AckPolicy,
  type Consumer,
  type JsMsg,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { makeStream } from "../relay/natsStream.js";

/** Where the prompts are. */
export interface WorkQueueOptions {
  readonly stream: string;
  readonly consumer: string;
  readonly subject: string;
}

/** How long a message may be without a sign of life before another worker gets it, in nanoseconds. */
const ackWaitNs = 30_000_000_000;
/** How long one request for a message waits, in milliseconds. */
const pullMs = 5_000;

/** A work queue, shared by all workers with the same consumer. */
export class WorkQueue {
  readonly #connection: NatsConnection;
  readonly #consumer: Consumer;
  /** How often a worker must say that it is at work, in milliseconds. */
  readonly signOfLifeMs: number;

  private constructor(connection: NatsConnection, consumer: Consumer, ackWaitMs: number) {
    this.#connection = connection;
    this.#consumer = consumer;
    this.signOfLifeMs = Math.max(50, ackWaitMs / 3);
  }

  /** Opens it; stream and consumer are made where there are none. Rejects where the server refuses. */
  static async open(connection: NatsConnection, options: WorkQueueOptions): Promise<WorkQueue> {
    const { stream, consumer, subject } = options;
    const retention = RetentionPolicy.Workqueue;
    await makeStream(connection, { name: stream, subjects: [subject], retention });
    const manager = await jetstreamManager(connection);
    const known = await manager.consumers.info(stream, consumer).catch(() => undefined);
    const info =
      known ??
      (await manager.consumers.add(stream, {
        durable_name: consumer,
        ack_policy: AckPolicy.Explicit,
        ack_wait: ackWaitNs,
        max_deliver: -1,
      }));
    const found = await jetstream(connection).consumers.get(stream, consumer);
    return new WorkQueue(connection, found, (info.config.ack_wait ?? ackWaitNs) / 1e6);
  }

  /** The next message; undefined if none comes for a while. Rejects where the queue cannot be asked. */
  async next(): Promise<JsMsg | undefined> {
    return (await this.#consumer.next({ expires: pullMs })) ?? undefined;
  }

  /** Stores an event under an id. Rejects if that is not confirmed. */
  async publish(subject: string, id: string, json: string): Promise<void> {
    await jetstream(this.#connection).publish(subject, json, { msgID: id });
  }
}
